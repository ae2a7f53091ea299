/** Mouse, touch and keyboard on the map, told as moves of its camera. */

const STEP_PIXELS = 80;
const STEP_FACTOR = 1.6;
const WHEEL_FACTOR_PER_PIXEL = 1.0022;
const PIXELS_PER_LINE = 33;
const CLICK_PIXELS = 5;

/**
 * @typedef {object} Moves
 * @property {(right: number, down: number) => void} pan By pixels.
 * @property {(left: number, top: number, factor: number) => void} zoomAt
 * @property {(factor: number) => void} zoom At the middle.
 * @property {() => void} reset
 * @property {(left: number, top: number) => void} point Something rests over a place.
 * @property {() => void} leave Nothing does any more.
 * @property {(left: number, top: number) => void} click
 * @property {() => void} enter Enter was pressed.
 */

export class Gestures {
  #pointers = new Map(); // by id: where each finger or button that is down was last
  #travelled = 0;

  /** @param {HTMLCanvasElement} canvas @param {Moves} moves */
  constructor(canvas, moves) {
    Object.assign(this, { canvas, moves });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#lift(event));
    canvas.addEventListener("pointerleave", () => moves.leave());
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  #down(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    if (!this.#pointers.size) this.#travelled = 0;
    this.#pointers.set(event.pointerId, this.#place(event));
  }

  #move(event) {
    const place = this.#place(event);
    const before = this.#pointers.get(event.pointerId);
    if (!before) {
      this.moves.point(...place);
      return;
    }
    const [right, down] = [place[0] - before[0], place[1] - before[1]];
    this.#travelled += Math.hypot(right, down);
    if (this.#travelled < CLICK_PIXELS) return; // a finger is never quite still
    this.canvas.classList.add("dragged");
    if (this.#pointers.size === 1) this.moves.pan(right, down);
    else if (this.#pointers.size === 2) this.#pinch(event.pointerId, place, before);
    this.#pointers.set(event.pointerId, place);
  }

  /** One of two fingers has moved: the place between them follows it half the way, and what lies between is zoomed. */
  #pinch(moved, place, before) {
    const [, other] = [...this.#pointers].find(([id]) => id !== moved);
    this.moves.pan((place[0] - before[0]) / 2, (place[1] - before[1]) / 2);
    const factor = distance(place, other) / Math.max(distance(before, other), 1);
    this.moves.zoomAt((place[0] + other[0]) / 2, (place[1] + other[1]) / 2, factor);
  }

  #up(event) {
    const down = this.#pointers.has(event.pointerId);
    this.#lift(event);
    if (down && !this.#pointers.size && this.#travelled < CLICK_PIXELS) this.moves.click(...this.#place(event));
  }

  #lift(event) {
    this.#pointers.delete(event.pointerId);
    if (!this.#pointers.size) this.canvas.classList.remove("dragged");
  }

  #wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? PIXELS_PER_LINE : 1);
    // A trackpad's pinch comes as a wheel with the control key, in much smaller steps.
    this.moves.zoomAt(...this.#place(event), WHEEL_FACTOR_PER_PIXEL ** -(event.ctrlKey ? 5 * pixels : pixels));
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { moves } = this;
    const actions = {
      ArrowLeft: () => moves.pan(STEP_PIXELS, 0),
      ArrowRight: () => moves.pan(-STEP_PIXELS, 0),
      ArrowUp: () => moves.pan(0, STEP_PIXELS),
      ArrowDown: () => moves.pan(0, -STEP_PIXELS),
      "+": () => moves.zoom(STEP_FACTOR),
      "=": () => moves.zoom(STEP_FACTOR),
      "-": () => moves.zoom(1 / STEP_FACTOR),
      0: () => moves.reset(),
      Enter: () => moves.enter(),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  #place(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }
}

const distance = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]);
