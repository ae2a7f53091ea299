/** The browser's address bar and history: the one home of the page's state. */

import { addressOf, parse, sameQuery } from "./state.js";

let current = parse(location.search);
const listeners = [];

/** @returns {import("./state.js").State} */
export function currentState() {
  return current;
}

/** What was kept beside the current query with `go`, or null. */
export function currentNote() {
  return history.state;
}

/**
 * Be told of every new state.
 *
 * @param {(state: import("./state.js").State, how: {again: boolean, traversed: boolean}) => void} listener
 *   `again`: the same was asked for once more. `traversed`: somebody went back or forward.
 */
export function onState(listener) {
  listeners.push(listener);
}

/**
 * Go to a state that differs from the current one, as a new entry of the history.
 *
 * @param {Partial<import("./state.js").State>} changes
 * @param {any} note Kept with the entry, and with those that follow for the same query; never in the address.
 */
export function go(changes, note = null) {
  const address = addressOf({ ...current, ...changes });
  const next = parse(address);
  const again = address === addressOf(current);
  const kept = note ?? (sameQuery(next.query, current.query) ? history.state : null);
  if (again) history.replaceState(kept, "");
  else history.pushState(kept, "", address === "?" ? location.pathname : address);
  current = next;
  tell({ again, traversed: false });
}

/** Change the current entry's address without telling anybody: the page already shows this. */
export function amend(changes) {
  current = Object.freeze({ ...current, ...changes });
  history.replaceState(history.state, "", addressOf(current));
}

/** Follow links to states of this page without loading it anew; with a modifier key the browser opens them. */
export function followLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="?"]');
    const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (!link || modified || event.button !== 0) return;
    event.preventDefault();
    go(parse(link.search));
  });
}

addEventListener("popstate", () => {
  if (location.hash && addressOf(parse(location.search)) === addressOf(current)) return; // the skip link
  current = parse(location.search);
  tell({ again: false, traversed: true });
});

function tell(how) {
  for (const listener of listeners) listener(current, how);
}
