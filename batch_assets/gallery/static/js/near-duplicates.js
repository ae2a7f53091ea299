/** Groups of pictures that are nearly the same. */

import { isAbort, nearDuplicates } from "./api.js";
import { dateParameters } from "./state.js";
import { button, clearNotice, showNotice } from "./notice.js";
import { moveWithArrows, tile } from "./tiles.js";
import { counted, distance, number } from "./words.js";

const ASK_AGAIN_MILLISECONDS = 1000;
const SAME_DISTANCE = 0.0005; // shown as 0.000
const template = document.querySelector("#group-template");

export class NearDuplicates {
  #section = document.querySelector("#near-duplicates");
  #status = this.#section.querySelector(".status");
  #list = this.#section.querySelector(".groups");
  #place = this.#section.querySelector(".notice-place");
  #more = this.#section.querySelector(".more button");
  #shown = null;
  #state = null;
  #nextOffset = null;
  #request = new AbortController();

  constructor() {
    moveWithArrows(this.#list);
    this.#more.addEventListener("click", () => this.#loadByButton());
  }

  show(state, { again }) {
    const parameters = String(dateParameters(state));
    this.#state = state;
    if (this.#shown === parameters && !again) return;
    this.leave();
    this.#request = new AbortController();
    this.#shown = parameters;
    this.#nextOffset = 0;
    this.#list.replaceChildren();
    this.#status.textContent = "Looking for near-duplicates…";
    this.#load();
  }

  /** Ask no more; what is shown stays, what is unfinished is asked for anew the next time. */
  leave() {
    this.#request.abort();
    this.#more.hidden = this.#nextOffset === null;
    if (!this.#list.hasChildNodes()) this.#shown = null;
  }

  async #loadByButton() {
    const before = this.#list.children.length;
    await this.#load();
    this.#list.children[before]?.querySelector("a").focus();
  }

  async #load() {
    const { signal } = this.#request;
    this.#more.hidden = true;
    clearNotice(this.#place);
    try {
      const parameters = dateParameters(this.#state);
      parameters.set("offset", this.#nextOffset);
      const page = await nearDuplicates(parameters, signal);
      if (signal.aborted) return;
      if (page.state === "computing") this.#waitFor(signal);
      else this.#append(page);
    } catch (error) {
      if (!isAbort(error) && !signal.aborted) this.#fail(error);
    }
  }

  #waitFor(signal) {
    const title = "Comparing the pictures";
    showNotice(this.#place, { title, text: "Every vector is compared with its neighbours. The groups appear here." });
    const timer = setTimeout(() => this.#load(), ASK_AGAIN_MILLISECONDS);
    signal.addEventListener("abort", () => clearTimeout(timer));
  }

  #append(page) {
    this.#list.append(...page.groups.map((group) => this.#group(group)));
    this.#nextOffset = page.next_offset;
    this.#more.hidden = page.next_offset === null;
    const count = this.#list.children.length;
    const sofar = page.next_offset === null ? "" : " so far";
    const near = distance(page.threshold);
    const groups = `${counted(count, "group", "groups")}${sofar}; each picture is within ${near} of another.`;
    this.#status.textContent = count ? groups : "No group.";
    if (!count) {
      const text = `No two pictures are within ${near} of each other. With dates given, only those days are looked at.`;
      showNotice(this.#place, { title: "No near-duplicates", text });
    }
  }

  #group({ pictures, count, largest_distance: largest }) {
    const item = template.content.cloneNode(true).firstElementChild;
    const apart = largest < SAME_DISTANCE ? "with the same vector" : `up to ${distance(largest)} apart`;
    const some = count > pictures.length ? `, of which ${number(pictures.length)} are shown` : "";
    const title = `${counted(count, "picture", "pictures")} ${apart}${some}`;
    item.querySelector("h3").textContent = title;
    const list = item.querySelector(".tiles");
    list.setAttribute("aria-label", title);
    list.append(...pictures.map((picture) => tile(picture, this.#state)));
    return item;
  }

  #fail(error) {
    this.#status.textContent = "";
    const actions = [button("Try again", () => this.#load())];
    showNotice(this.#place, { error: true, title: "The groups cannot be shown", text: error.message, actions });
  }
}
