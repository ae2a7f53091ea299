/** The one search box: words, or the picture that is searched by. */

import { currentNote, go } from "./address.js";
import { thumbnailAddress } from "./api.js";
import { VIEWS } from "./state.js";
import { fileName } from "./words.js";

export class SearchBox {
  #form = document.querySelector("#search");
  #words = document.querySelector("#words");
  #picture = document.querySelector("#query-picture");

  constructor() {
    // A search by words costs a call of the model: it is made when asked for, not at each letter.
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const value = this.#words.value.trim();
      go({ query: value ? { kind: "text", value } : null, view: VIEWS[0], open: "" });
    });
    this.#picture.querySelector("button").addEventListener("click", () => {
      this.#words.focus();
      go({ query: null });
    });
  }

  show({ query }) {
    const byPicture = query !== null && query.kind !== "text";
    this.#words.value = query?.kind === "text" ? query.value : "";
    this.#words.placeholder = byPicture ? "or by words" : "Search by words";
    this.#picture.hidden = !byPicture;
    if (byPicture) this.#showPicture(query);
  }

  #showPicture({ kind, value }) {
    const image = this.#picture.querySelector("img");
    // The address of an upload holds only its vector: who was sent the link sees no thumbnail of it.
    const thumbnail = kind === "key" ? thumbnailAddress(value, 128) : currentNote()?.thumbnail;
    image.hidden = !thumbnail;
    if (thumbnail) image.src = thumbnail;
    this.#picture.querySelector("span").textContent = kind === "key" ? fileName(value) : "Your picture";
  }
}
