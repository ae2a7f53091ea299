/** Keys and small pictures of the map's points, fetched a few at a time and kept. */

import { isAbort, mapPictures, thumbnailAddress } from "../api.js";

const CHUNK = 64; // points asked for at once; neighbours in number are often not neighbours on the map
const AT_ONCE = 6;
const KEPT_IMAGES = 600;
const EDGE_PIXELS = 128;

export class PictureLoader {
  #chunks = new Map();
  #images = new Map(); // by point: a drawable, or null while it is on its way or where there is none
  #waiting = [];
  #running = 0;
  #abort = new AbortController();

  /**
   * @param {string} version
   * @param {number} count How many points there are.
   * @param {() => void} onImage A picture has come and can be drawn.
   * @param {(error: Error) => void} onError
   */
  constructor(version, count, onImage, onError) {
    Object.assign(this, { version, count, onImage, onError });
  }

  /** @returns {Promise<{key: string, partition: string}>} */
  async describe(point) {
    const number = Math.floor(point / CHUNK);
    if (!this.#chunks.has(number)) this.#chunks.set(number, this.#fetchChunk(number));
    return (await this.#chunks.get(number))[point % CHUNK];
  }

  /** The picture of a point if it is there; asked for otherwise. */
  image(point, edge) {
    const known = this.#images.get(point);
    if (known === undefined) {
      this.#images.set(point, null);
      this.#waiting.push({ point, edge });
      this.#loadNext();
      return null;
    }
    if (known) this.#touch(point, known);
    return known;
  }

  /** Give up what waits: the map has moved on. */
  forgetWaiting() {
    for (const { point } of this.#waiting) this.#images.delete(point);
    this.#waiting = [];
  }

  close() {
    this.#waiting = [];
    this.#abort.abort();
  }

  async #fetchChunk(number) {
    const from = number * CHUNK;
    try {
      return await mapPictures(this.version, from, Math.min(from + CHUNK, this.count), this.#abort.signal);
    } catch (error) {
      this.#chunks.delete(number);
      throw error;
    }
  }

  async #loadNext() {
    if (this.#running >= AT_ONCE || !this.#waiting.length) return;
    const { point, edge } = this.#waiting.shift();
    this.#running++;
    try {
      const { key } = await this.describe(point);
      this.#images.set(point, await squareImage(thumbnailAddress(key, EDGE_PIXELS), edge));
      this.#drop();
      this.onImage();
    } catch (error) {
      if (!isAbort(error)) this.onError(error);
    } finally {
      this.#running--;
      this.#loadNext();
    }
  }

  #touch(point, image) {
    this.#images.delete(point);
    this.#images.set(point, image);
  }

  #drop() {
    for (const [point, image] of this.#images) {
      if (this.#images.size <= KEPT_IMAGES) return;
      if (image) this.#images.delete(point);
    }
  }
}

/** The middle of a picture as a square with round corners, or null if the server has no such picture. */
async function squareImage(address, edge) {
  const image = new Image();
  image.src = address;
  try {
    await image.decode();
  } catch {
    return null; // as in the grid, a picture that is gone is no error of the map: its point stays a dot
  }
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = edge;
  const context = canvas.getContext("2d");
  const side = Math.min(image.naturalWidth, image.naturalHeight);
  const [left, top] = [(image.naturalWidth - side) / 2, (image.naturalHeight - side) / 2];
  context.beginPath();
  context.roundRect(0, 0, edge, edge, edge / 7);
  context.clip();
  context.drawImage(image, left, top, side, side, 0, 0, edge, edge);
  return canvas;
}
