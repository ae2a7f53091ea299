/** A picture to search by, from the person's own machine: picked, dropped or pasted. */

import { go } from "./address.js";
import { upload } from "./api.js";
import { button, clearNotice, showNotice } from "./notice.js";
import { VIEWS } from "./state.js";
import { bytes } from "./words.js";

export class Upload {
  #place = document.querySelector("#upload-notice");
  #target = document.querySelector("#drop-target");
  #maxBytes = Infinity;
  #dragDepth = 0;

  constructor() {
    const picker = document.querySelector("#picture-file");
    document.querySelector("#pick-picture").addEventListener("click", () => picker.click());
    picker.addEventListener("change", () => {
      const [file] = picker.files;
      if (file) this.#search(file).finally(() => (picker.value = "")); // so that the same file can be picked again
    });
    document.addEventListener("paste", (event) => this.#paste(event));
    document.addEventListener("dragenter", (event) => this.#drag(event, 1));
    document.addEventListener("dragleave", (event) => this.#drag(event, -1));
    document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    document.addEventListener("drop", (event) => this.#drop(event));
  }

  limit({ max_upload_bytes: maxBytes }) {
    this.#maxBytes = maxBytes;
  }

  /** Forget what was said of an earlier picture. */
  show() {
    clearNotice(this.#place);
  }

  #paste(event) {
    const file = [...event.clipboardData.files].find((candidate) => candidate.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    this.#search(file);
  }

  // Enter and leave are told for each element on the way; the page is left when as many were left as entered.
  #drag(event, step) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    this.#dragDepth = Math.max(0, this.#dragDepth + step);
    this.#target.hidden = this.#dragDepth === 0;
  }

  #drop(event) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    this.#dragDepth = 0;
    this.#target.hidden = true;
    const [file] = event.dataTransfer.files;
    if (file) this.#search(file);
  }

  async #search(file) {
    const name = file.name || "the picture";
    if (file.size > this.#maxBytes) {
      this.#fail(`${name} has ${bytes(file.size)}; at most ${bytes(this.#maxBytes)} are taken. Send a smaller copy.`);
      return;
    }
    showNotice(this.#place, { title: "Looking at the picture…", text: name });
    try {
      const { vector, thumbnail } = await upload(file);
      go({ query: { kind: "vector", value: vector }, view: VIEWS[0], open: "" }, { thumbnail });
    } catch (error) {
      this.#fail(error.message);
    }
  }

  #fail(text) {
    const actions = [button("Dismiss", () => clearNotice(this.#place))];
    showNotice(this.#place, { error: true, title: "This picture cannot be searched by", text, actions });
  }
}

const hasFiles = (event) => event.dataTransfer.types.includes("Files");
