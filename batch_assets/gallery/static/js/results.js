/** Pictures found, nearest first, or the newest ones; page after page. */

import { go } from "./address.js";
import { isAbort, search } from "./api.js";
import { addressOf, countFilters, NO_FILTERS, searchParameters } from "./state.js";
import { button, clearNotice, link, showNotice } from "./notice.js";
import { ScrollLoading } from "./scroll-loading.js";
import { moveWithArrows, skeletons, tile } from "./tiles.js";
import { counted, fileName, number } from "./words.js";

const KEPT_SEARCHES = 20;

export class Results {
  #section = document.querySelector("#results");
  #heading = this.#section.querySelector("h2");
  #status = this.#section.querySelector(".status");
  #help = this.#section.querySelector("#search-help");
  #list = this.#section.querySelector(".tiles");
  #place = this.#section.querySelector(".notice-place");
  #more = this.#section.querySelector(".more button");
  #searches = new Map(); // by their parameters: what going back shows at once
  #shown = null;
  #state = null;
  #request = new AbortController();
  #scrolling;

  constructor() {
    moveWithArrows(this.#list);
    this.#more.addEventListener("click", () => this.#loadByButton());
    this.#scrolling = new ScrollLoading(this.#more.parentElement, () => this.#loadByScrolling());
  }

  /** Show the search of a state; the same one as before is left as it stands. */
  show(state, { again, traversed }) {
    const parameters = String(searchParameters(state));
    this.#state = state;
    if (this.#shown?.parameters === parameters && !again) return;
    this.#request.abort();
    this.#request = new AbortController();
    const known = traversed && this.#searches.get(parameters);
    this.#shown = known || { parameters, pictures: [], nextOffset: 0, milliseconds: null, loading: null };
    this.#heading.textContent = headingOf(state);
    this.#help.hidden = state.query !== null;
    clearNotice(this.#place);
    if (known) this.#showKnown();
    else this.#begin(traversed);
  }

  #showKnown() {
    this.#list.replaceChildren(...this.#shown.pictures.map((picture) => tile(picture, this.#state)));
    this.#list.setAttribute("aria-busy", "false");
    this.#showState();
  }

  #begin(traversed) {
    if (!traversed) scrollTo(0, 0);
    this.#list.replaceChildren(...skeletons());
    this.#status.textContent = "Searching…";
    this.#more.hidden = true;
    this.#load();
  }

  async #loadByButton() {
    const before = this.#shown.pictures.length;
    await this.#load();
    // The button may be gone now, and its focus with it: go on at the first new picture.
    this.#list.children[before]?.querySelector("a").focus();
  }

  #loadByScrolling() {
    if (!this.#more.hidden && !this.#place.hasChildNodes()) this.#load();
  }

  /** Load the next page, or wait for the one that is on its way. */
  #load() {
    const shown = this.#shown;
    shown.loading ??= this.#loadPage(shown).finally(() => (shown.loading = null));
    return shown.loading;
  }

  async #loadPage(shown) {
    const { signal } = this.#request;
    this.#list.setAttribute("aria-busy", "true");
    clearNotice(this.#place);
    try {
      const parameters = new URLSearchParams(shown.parameters);
      parameters.set("offset", shown.nextOffset);
      const page = await search(parameters, signal);
      if (!signal.aborted) this.#append(page);
    } catch (error) {
      if (!isAbort(error) && !signal.aborted) this.#fail(error);
    } finally {
      if (!signal.aborted) this.#list.setAttribute("aria-busy", "false");
    }
  }

  #append(page) {
    const tiles = page.results.map((picture) => tile(picture, this.#state));
    if (this.#shown.nextOffset === 0) this.#list.replaceChildren(...tiles);
    else this.#list.append(...tiles);
    this.#shown.pictures.push(...page.results);
    this.#shown.nextOffset = page.next_offset;
    this.#shown.milliseconds ??= page.milliseconds;
    this.#keep();
    this.#showState();
  }

  #keep() {
    this.#searches.delete(this.#shown.parameters);
    this.#searches.set(this.#shown.parameters, this.#shown);
    if (this.#searches.size > KEPT_SEARCHES) this.#searches.delete(this.#searches.keys().next().value);
  }

  #showState() {
    const { pictures, nextOffset, milliseconds } = this.#shown;
    this.#more.hidden = nextOffset === null;
    this.#scrolling.lookAgain();
    if (!pictures.length) {
      this.#status.textContent = "No picture.";
      this.#showNothing();
      return;
    }
    const sofar = nextOffset === null ? "" : " so far";
    const order = this.#state.query ? "nearest first" : "newest first";
    const count = counted(pictures.length, "picture", "pictures");
    this.#status.textContent = `${count}${sofar}, ${order} (${number(Math.ceil(milliseconds))} ms)`;
  }

  #showNothing() {
    const { query, filters } = this.#state;
    if (countFilters(filters)) {
      const without = addressOf({ ...this.#state, filters: NO_FILTERS });
      const text = "No picture is within the filters. Widen them, or search without.";
      showNotice(this.#place, { title: "Nothing found", text, actions: [link("Clear filters", without)] });
    } else {
      const text = "The index holds no picture yet. Materialise a partition up to vector_index in Dagster, then look again.";
      const actions = [button("Look again", () => go({}))];
      showNotice(this.#place, { title: query ? "Nothing to search in" : "No pictures yet", text, actions });
    }
  }

  #fail(error) {
    if (!this.#shown.pictures.length) this.#list.replaceChildren();
    this.#status.textContent = "";
    const filtered = countFilters(this.#state.filters) > 0;
    const without = addressOf({ ...this.#state, filters: NO_FILTERS });
    showNotice(this.#place, {
      error: true,
      title: "The search failed",
      text: error.message,
      actions: [button("Try again", () => this.#load()), filtered ? link("Clear filters", without) : null],
    });
  }
}

function headingOf({ query }) {
  if (!query) return "Newest pictures";
  if (query.kind === "text") return `Pictures that match “${query.value}”`;
  if (query.kind === "key") return `Pictures like ${fileName(query.value)}`;
  return "Pictures like the one you gave";
}
