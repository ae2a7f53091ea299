/** All pictures as points of a plane, near where they are alike. */

import { amend, currentState, go } from "../address.js";
import { isAbort, mapPoints, mapSummary } from "../api.js";
import { button, clearNotice, showNotice } from "../notice.js";
import { tile } from "../tiles.js";
import { counted, fileName, share } from "../words.js";
import { Camera } from "./camera.js";
import { Gestures } from "./gestures.js";
import { MapCard } from "./map-card.js";
import { Mosaic } from "./mosaic.js";
import { Painter } from "./painter.js";
import { PictureLoader } from "./picture-loader.js";
import { PointGrid } from "./point-grid.js";

const ASK_AGAIN_MILLISECONDS = 1000;
const REST_MILLISECONDS = 250;
const BUTTON_FACTOR = 1.6;
const REACH_PIXELS = 14;
const NEAREST = 12;

export class MapView {
  #section = document.querySelector("#map");
  #status = this.#section.querySelector(".status");
  #place = this.#section.querySelector(".notice-place");
  #frame = this.#section.querySelector(".map-frame");
  #canvas = this.#section.querySelector("canvas");
  #card = new MapCard(this.#section.querySelector(".map-card"));
  #nearest = this.#section.querySelector(".map-nearest");
  #announcer = this.#section.querySelector("[data-announcer]");
  #map = null; // { camera, grid, loader, painter } once there are points
  #chosen = null; // the point under the pointer, or in the middle while the keyboard steers
  #steeredByKeys = false;
  #frameAsked = false;
  #restTimer = 0;
  #request = new AbortController();

  constructor() {
    new Gestures(this.#canvas, this.#moves());
    const actions = {
      "zoom-in": () => this.#move((camera) => zoomAtMiddle(camera, BUTTON_FACTOR)),
      "zoom-out": () => this.#move((camera) => zoomAtMiddle(camera, 1 / BUTTON_FACTOR)),
      reset: () => this.#move((camera) => camera.reset()),
    };
    for (const [name, action] of Object.entries(actions)) {
      this.#section.querySelector(`[data-action="${name}"]`).addEventListener("click", action);
    }
    this.#canvas.addEventListener("focus", () => this.#steer(this.#canvas.matches(":focus-visible")));
    this.#canvas.addEventListener("blur", () => this.#steer(false));
    new ResizeObserver(() => this.#measure()).observe(this.#frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#measure());
  }

  show({ position }, { again }) {
    if (this.#map && !again) {
      if (position) this.#map.camera.moveTo(position);
      this.#measure();
      return;
    }
    this.#request.abort();
    this.#request = new AbortController();
    this.#status.textContent = "Loading the map…";
    this.#load();
  }

  leave() {
    clearTimeout(this.#restTimer);
    if (!this.#map) this.#request.abort();
  }

  async #load() {
    const { signal } = this.#request;
    clearNotice(this.#place);
    try {
      const summary = await mapSummary(signal);
      if (summary.state === "computing") this.#waitFor(signal);
      else if (summary.count === 0) this.#showNothing();
      else this.#begin(summary, await mapPoints(summary.version, signal));
    } catch (error) {
      if (!isAbort(error) && !signal.aborted) this.#fail(error);
    }
  }

  #waitFor(signal) {
    const text = "The vectors are laid out on a plane, once for all visitors. The map appears here.";
    showNotice(this.#place, { title: "Drawing the map", text });
    const timer = setTimeout(() => this.#load(), ASK_AGAIN_MILLISECONDS);
    signal.addEventListener("abort", () => clearTimeout(timer));
  }

  #showNothing() {
    this.#status.textContent = "No picture.";
    const text = "The index holds no vector yet. Materialise a partition up to vector_index in Dagster, then look again.";
    const actions = [button("Look again", () => go({}))];
    showNotice(this.#place, { title: "Nothing to map", text, actions });
  }

  #fail(error) {
    this.#status.textContent = "";
    const actions = [button("Try again", () => go({}))];
    showNotice(this.#place, { error: true, title: "The map cannot be shown", text: error.message, actions });
  }

  #begin({ version, count, explained }, points) {
    this.#map?.loader.close();
    const grid = new PointGrid(points);
    const camera = new Camera(grid.bounds);
    const loader = new PictureLoader(version, count, () => this.#ask(), (error) => this.#fail(error));
    const painter = new Painter(this.#canvas, camera, grid, new Mosaic(grid), loader);
    this.#map = { camera, grid, loader, painter };
    this.#chosen = null;
    const kept = share(explained[0] + explained[1]);
    this.#status.textContent = `${counted(count, "picture", "pictures")}; the two axes hold ${kept} of how they differ.`;
    this.#frame.hidden = false;
    this.#nearest.hidden = false;
    const { position } = currentState();
    if (position) camera.moveTo(position);
    this.#measure();
    this.#showNearest();
  }

  #moves() {
    return {
      pan: (right, down) => this.#move((camera) => camera.pan(right, down)),
      zoomAt: (left, top, factor) => this.#move((camera) => camera.zoomAt(left, top, factor)),
      zoom: (factor) => this.#move((camera) => zoomAtMiddle(camera, factor)),
      reset: () => this.#move((camera) => camera.reset()),
      point: (left, top) => this.#choose(this.#pointAt(left, top)),
      leave: () => this.#steeredByKeys || this.#choose(null),
      click: (left, top) => this.#open(this.#pointAt(left, top)),
      enter: () => this.#open(this.#chosen),
    };
  }

  #move(change) {
    const { camera, loader } = this.#map;
    change(camera);
    loader.forgetWaiting();
    if (this.#steeredByKeys) this.#choose(this.#inTheMiddle());
    else this.#choose(null);
    this.#ask();
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => this.#rest(), REST_MILLISECONDS);
  }

  /** The map has come to rest: what it shows goes into the address and the list. */
  #rest() {
    amend({ position: this.#map.camera.position });
    this.#showNearest();
    if (this.#steeredByKeys) this.#announceChosen();
  }

  #steer(byKeys) {
    this.#steeredByKeys = byKeys;
    this.#choose(byKeys && this.#map ? this.#inTheMiddle() : null);
    if (byKeys) this.#announceChosen();
  }

  #inTheMiddle() {
    const { camera, grid } = this.#map;
    return grid.nearest(camera.x, camera.y, 1)[0];
  }

  #pointAt(left, top) {
    const { camera, grid, painter } = this.#map;
    const [x, y] = camera.toPlane(left, top);
    return painter.pictureAt(left, top) ?? grid.nearest(x, y, 1, REACH_PIXELS / camera.scale)[0] ?? null;
  }

  async #choose(point) {
    const changed = point !== this.#chosen;
    this.#chosen = point;
    this.#canvas.classList.toggle("on-picture", point !== null);
    if (changed) this.#ask();
    if (point === null) {
      this.#card.hide();
      return;
    }
    const described = await this.#describe(point);
    if (!described || this.#chosen !== point) return;
    const { camera, grid } = this.#map;
    this.#card.show(described.key, camera.toScreen(grid.x(point), grid.y(point)), camera);
  }

  async #open(point) {
    if (point === null) return;
    const described = await this.#describe(point);
    if (described) go({ open: described.key });
  }

  async #announceChosen() {
    const described = this.#chosen === null ? null : await this.#describe(this.#chosen);
    if (described) this.#announcer.textContent = `In the middle: ${fileName(described.key)}, ${described.partition}`;
  }

  async #showNearest() {
    const { camera, grid } = this.#map;
    const points = grid.nearest(camera.x, camera.y, NEAREST);
    const pictures = await Promise.all(points.map((point) => this.#describe(point)));
    const tiles = pictures.filter(Boolean).map((picture) => tile(picture, currentState()));
    this.#nearest.querySelector("ol").replaceChildren(...tiles);
  }

  async #describe(point) {
    try {
      return await this.#map.loader.describe(point);
    } catch (error) {
      if (!isAbort(error)) this.#fail(error);
      return null;
    }
  }

  #measure() {
    if (!this.#map || this.#section.hidden) return;
    this.#map.painter.measure();
    this.#draw();
  }

  #ask() {
    if (this.#frameAsked) return;
    this.#frameAsked = true;
    requestAnimationFrame(() => {
      this.#frameAsked = false;
      this.#draw();
    });
  }

  #draw() {
    if (!this.#section.hidden) this.#map.painter.draw(this.#chosen);
  }
}

function zoomAtMiddle(camera, factor) {
  camera.zoomAt(camera.width / 2, camera.height / 2, factor);
}
