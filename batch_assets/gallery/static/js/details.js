/** The panel with what is known of one picture. Beside the pictures, or over them where the screen is narrow. */

import { currentState, go } from "./address.js";
import { isAbort, picture } from "./api.js";
import { button, clearNotice, showNotice } from "./notice.js";
import { likeAddress, markOpen, showThumbnail } from "./tiles.js";
import { bytes, fileName, time } from "./words.js";

const EDGE_PIXELS = 512;
const narrow = matchMedia("(max-width: 48rem)");

export class Details {
  #panel = document.querySelector("#details");
  #heading = this.#panel.querySelector("h2");
  #facts = this.#panel.querySelector(".facts");
  #place = this.#panel.querySelector(".notice-place");
  #announcer = this.#panel.querySelector("[data-announcer]");
  #key = "";
  #opener = null;
  #request = new AbortController();

  constructor() {
    this.#panel.querySelector(".details-head button").addEventListener("click", () => go({ open: "" }));
    this.#panel.querySelector('[data-action="copy"]').addEventListener("click", () => this.#copy());
    // Escape closes a modal dialog by itself, but the address has to know.
    this.#panel.addEventListener("cancel", (event) => {
      event.preventDefault();
      go({ open: "" });
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#panel.open && !this.#panel.matches(":modal")) go({ open: "" });
    });
    narrow.addEventListener("change", () => this.#reopen());
  }

  show(state) {
    markOpen(state.open);
    this.#link("like").href = likeAddress(state.open, state);
    if (state.open === this.#key) return;
    this.#request.abort();
    if (state.open && !this.#key) this.#opener = document.activeElement;
    this.#key = state.open;
    if (this.#key) this.#open();
    else this.#close();
  }

  #open() {
    this.#request = new AbortController();
    this.#heading.textContent = fileName(this.#key);
    this.#announcer.textContent = "";
    for (const name of ["dagster", "console"]) this.#link(name).parentElement.hidden = true;
    this.#facts.replaceChildren(...fact("Key", this.#key, "code"));
    showThumbnail(this.#panel.querySelector(".details-picture"), this.#key, EDGE_PIXELS);
    if (!this.#panel.open) this.#reveal();
    this.#panel.scrollTop = 0;
    this.#link("like").focus({ preventScroll: true });
    this.#load();
  }

  #reveal() {
    if (narrow.matches) this.#panel.showModal();
    else this.#panel.show();
    // The panel takes room: the picture that it is about may have moved out of sight.
    document.querySelector('.tile-link[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  }

  #reopen() {
    if (!this.#panel.open) return;
    this.#panel.close();
    this.#reveal();
  }

  #close() {
    const inPanel = this.#panel.contains(document.activeElement);
    this.#panel.close();
    if (!inPanel && document.activeElement !== document.body) return;
    const target = this.#opener?.isConnected ? this.#opener : document.querySelector("section:not([hidden]) h2");
    target.focus({ preventScroll: true });
  }

  async #load() {
    const { signal } = this.#request;
    clearNotice(this.#place);
    try {
      const found = await picture(this.#key, signal);
      if (!signal.aborted) this.#fill(found);
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      const actions = [button("Try again", () => this.#load())];
      showNotice(this.#place, { error: true, title: "No details", text: error.message, actions });
    }
  }

  #fill(found) {
    this.#facts.replaceChildren(
      ...fact("Key", found.key, "code"),
      ...fact("Partition", found.partition),
      ...fact("Size", [bytes(found.size_bytes), found.format].filter(Boolean).join(", ")),
      ...fact("Last modified", found.last_modified && time(found.last_modified)),
      ...fact("ETag", found.etag, "code"),
      ...fact("Batch job", found.job_id, "code"),
      ...fact("Record", found.record_id, "code"),
      ...fact("Address", found.s3_uri, "code"),
    );
    this.#showLink("dagster", found.dagster_url);
    this.#showLink("console", found.console_url);
  }

  #showLink(name, address) {
    const link = this.#link(name);
    link.parentElement.hidden = !/^https?:\/\//.test(address ?? "");
    if (!link.parentElement.hidden) link.href = address;
  }

  #link(name) {
    return this.#panel.querySelector(`[data-link="${name}"]`);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(currentState().open);
      this.#announcer.textContent = "The key was copied.";
    } catch {
      // Without a secure context or leave there is no clipboard: select the key, ready for the person's own copy.
      getSelection().selectAllChildren(this.#facts.querySelector("dd"));
      this.#announcer.textContent = "The key is selected.";
    }
  }
}

/** @returns {HTMLElement[]} Name and value; nothing if there is no value. */
function fact(name, value, kind = "") {
  if (!value) return [];
  const term = document.createElement("dt");
  const description = document.createElement("dd");
  term.textContent = name;
  description.textContent = value;
  description.className = kind;
  const pair = document.createElement("div");
  pair.append(term, description);
  return [pair];
}
