/** The card beside a point of the map, with its picture and name. */

import { showThumbnail } from "../tiles.js";
import { fileName } from "../words.js";

const EDGE_PIXELS = 256;
const GAP_PIXELS = 28;
const MARGIN_PIXELS = 8;

export class MapCard {
  #key = "";

  /** @param {HTMLElement} card Within the map's frame. */
  constructor(card) {
    this.card = card;
  }

  hide() {
    this.card.hidden = true;
  }

  /** Show a picture beside a place, on the side with more room in a frame so large. */
  show(key, [left, top], { width, height }) {
    if (key !== this.#key) {
      showThumbnail(this.card, key, EDGE_PIXELS);
      this.card.querySelector("p").textContent = fileName(key);
      this.#key = key;
    }
    this.card.hidden = false;
    const { offsetWidth, offsetHeight } = this.card;
    const x = left > width / 2 ? left - offsetWidth - GAP_PIXELS : left + GAP_PIXELS;
    const lowest = Math.max(height - offsetHeight - MARGIN_PIXELS, MARGIN_PIXELS);
    const y = Math.min(Math.max(top - offsetHeight / 2, MARGIN_PIXELS), lowest);
    this.card.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }
}
