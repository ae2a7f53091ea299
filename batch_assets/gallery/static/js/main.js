/** Wires the parts of the page to its state. */

import { currentState, followLinks, onState } from "./address.js";
import { about } from "./api.js";
import { Details } from "./details.js";
import { Filters } from "./filters.js";
import { MapView } from "./map/map-view.js";
import { NearDuplicates } from "./near-duplicates.js";
import { showNotice } from "./notice.js";
import { Results } from "./results.js";
import { SearchBox } from "./search-box.js";
import { addressOf } from "./state.js";
import { Upload } from "./upload.js";
import { counted, number } from "./words.js";

const filters = new Filters();
const upload = new Upload();
const searchBox = new SearchBox();
const details = new Details();
const views = { results: new Results(), "near-duplicates": new NearDuplicates(), map: new MapView() };
const tabs = [...document.querySelectorAll(".tabs a")];

function show(state, how) {
  for (const [name, view] of Object.entries(views)) {
    document.getElementById(name).hidden = name !== state.view;
    if (name !== state.view) view.leave?.();
  }
  searchBox.show(state);
  filters.show(state);
  upload.show();
  views[state.view].show(state, how);
  details.show(state);
  showTabs(state);
  const heading = document.getElementById(state.view).querySelector("h2");
  document.title = `${heading.textContent} · Gallery`;
  // The link that was followed may be gone, and its focus with it: go on reading at the heading.
  if (!how.first && document.activeElement === document.body) heading.focus({ preventScroll: true });
}

function showTabs(state) {
  for (const tab of tabs) {
    tab.href = addressOf({ ...state, view: tab.dataset.view, open: "", position: null });
    if (tab.dataset.view === state.view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
}

async function introduce() {
  try {
    const facts = await about();
    filters.offer(facts);
    upload.limit(facts);
    document.querySelector("#model-note").textContent = facts.note ?? "";
    showAbout(facts);
  } catch (error) {
    showNotice(document.querySelector("#upload-notice"), { error: true, title: "No connection", text: error.message });
  }
}

function showAbout(facts) {
  const count = facts.count === null ? "Vectors" : counted(facts.count, "vector", "vectors");
  const text = `${count} of ${number(facts.dimension)} dimensions in index ${facts.index} of ${facts.vector_bucket}, made by
    ${facts.model_id} from the pictures in s3://${facts.source_bucket}.`;
  const line = document.querySelector("#about");
  line.textContent = text;
  if (/^https?:\/\//.test(facts.dagster_url ?? "")) {
    const link = document.createElement("a");
    link.href = facts.dagster_url;
    link.textContent = "Open Dagster";
    line.append(" ", link);
  }
}

onState(show);
followLinks();
introduce();
show(currentState(), { again: false, traversed: false, first: true });
