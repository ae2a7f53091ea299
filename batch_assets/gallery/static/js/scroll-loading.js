/**
 * Calls for more while somebody scrolls towards the end. Not while the keyboard goes from picture to picture: who does
 * that would never come to what follows the pictures, and has the button.
 */

const LOOK_AHEAD_PIXELS = 800;

export class ScrollLoading {
  #near = false;
  #byKeyboard = false;
  #observer;

  /**
   * @param {Element} end What follows the last picture.
   * @param {() => void} load
   */
  constructor(end, load) {
    Object.assign(this, { end, load });
    // A busy browser tells of several changes at once, the newest last.
    this.#observer = new IntersectionObserver((entries) => this.#look(entries.at(-1).isIntersecting), {
      rootMargin: `${LOOK_AHEAD_PIXELS}px`,
    });
    addEventListener("keydown", (event) => {
      this.#byKeyboard ||= event.key === "Tab" || event.target.closest(".tiles") !== null;
    });
    for (const type of ["wheel", "touchmove", "pointerdown"]) {
      addEventListener(type, () => this.#scrolled(), { passive: true });
    }
    this.lookAgain();
  }

  /** Pictures were added: whether their end is still near is to be seen in the next frame. */
  lookAgain() {
    this.#near = false;
    this.#observer.unobserve(this.end);
    this.#observer.observe(this.end);
  }

  #look(near) {
    this.#near = near;
    if (near && !this.#byKeyboard) this.load();
  }

  #scrolled() {
    this.#byKeyboard = false;
    this.#look(this.#near);
  }
}
