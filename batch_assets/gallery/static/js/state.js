/** What the page shows, written as the query string of its address and read from it. */

export const VIEWS = Object.freeze(["results", "near-duplicates", "map"]);

const QUERY_KINDS = ["text", "key", "vector"];

/**
 * @typedef {{kind: "text" | "key" | "vector", value: string}} Query
 * @typedef {{x: number, y: number, zoom: number}} Position
 * @typedef {object} Filters As the address has them: whether a value makes sense, the server says.
 * @property {string} since First date, ISO.
 * @property {string} until Last date, ISO.
 * @property {readonly string[]} formats
 * @property {string} minSizeBytes
 * @property {string} maxSizeBytes
 * @typedef {object} State
 * @property {Query | null} query What is searched for; without one the newest pictures are shown.
 * @property {Filters} filters
 * @property {string} view One of VIEWS.
 * @property {string} open Key of the picture whose details are shown, or empty.
 * @property {Position | null} position Middle and zoom of the map; null leaves it as it is.
 */

export const NO_FILTERS = Object.freeze({ since: "", until: "", formats: [], minSizeBytes: "", maxSizeBytes: "" });

/** @returns {State} */
export function parse(queryString) {
  const parameters = new URLSearchParams(queryString);
  const kind = QUERY_KINDS.find((name) => parameters.get(name));
  const view = parameters.get("view");
  return Object.freeze({
    query: kind ? Object.freeze({ kind, value: parameters.get(kind) }) : null,
    filters: Object.freeze({
      since: parameters.get("since") ?? "",
      until: parameters.get("until") ?? "",
      formats: Object.freeze(parameters.getAll("format")),
      minSizeBytes: parameters.get("min_size_bytes") ?? "",
      maxSizeBytes: parameters.get("max_size_bytes") ?? "",
    }),
    view: VIEWS.includes(view) ? view : VIEWS[0],
    open: parameters.get("open") ?? "",
    position: view === "map" ? positionIn(parameters) : null,
  });
}

/** The state as `?…`, shortest form: what is as usual is left out. */
export function addressOf(state) {
  const parameters = searchParameters(state);
  if (state.view !== VIEWS[0]) parameters.set("view", state.view);
  if (state.open) parameters.set("open", state.open);
  if (state.view === "map" && state.position) {
    for (const name of ["x", "y", "zoom"]) parameters.set(name, String(Number(state.position[name].toPrecision(6))));
  }
  // A slash needs no escape in a query string, and keys are full of them.
  return `?${parameters}`.replaceAll("%2F", "/");
}

/** What is searched for and the filters, as both the address and the server name them. */
export function searchParameters({ query, filters }) {
  const parameters = new URLSearchParams();
  if (query) parameters.set(query.kind, query.value);
  for (const [name, value] of datePairs(filters)) parameters.set(name, value);
  for (const format of filters.formats) parameters.append("format", format);
  if (filters.minSizeBytes) parameters.set("min_size_bytes", filters.minSizeBytes);
  if (filters.maxSizeBytes) parameters.set("max_size_bytes", filters.maxSizeBytes);
  return parameters;
}

/** The filters that near-duplicates know: the dates. */
export function dateParameters({ filters }) {
  return new URLSearchParams(datePairs(filters));
}

export function sameQuery(one, other) {
  return one?.kind === other?.kind && one?.value === other?.value;
}

export function countFilters({ since, until, formats, minSizeBytes, maxSizeBytes }) {
  return [since, until, formats.length, minSizeBytes, maxSizeBytes].filter(Boolean).length;
}

function datePairs({ since, until }) {
  return Object.entries({ since, until }).filter(([, value]) => value);
}

/** @returns {Position | null} Null unless all three are numbers. */
function positionIn(parameters) {
  const [x, y, zoom] = ["x", "y", "zoom"].map((name) => Number.parseFloat(parameters.get(name) ?? ""));
  return [x, y, zoom].every(Number.isFinite) && zoom > 0 ? Object.freeze({ x, y, zoom }) : null;
}
