/** The server's endpoints. Addresses are relative, so that the page also works behind a path of a proxy. */

/** A refusal or failure, with a message for a person. */
export class ApiError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

export const about = () => json("about");

export const search = (parameters, signal) => json("search", { parameters, signal });

export const picture = (key, signal) => json("picture", { parameters: new URLSearchParams({ key }), signal });

export const nearDuplicates = (parameters, signal) => json("near-duplicates", { parameters, signal });

export const mapSummary = (signal) => json("map", { signal });

/** @returns {Promise<Float32Array>} x and y of each point in turn. */
export async function mapPoints(version, signal) {
  const response = await request("map/points", { parameters: new URLSearchParams({ version }), signal });
  return new Float32Array(await response.arrayBuffer());
}

/** @returns {Promise<{key: string, partition: string}[]>} Pictures of the points from `from` to before `to`. */
export const mapPictures = (version, from, to, signal) =>
  json("map/pictures", { parameters: new URLSearchParams({ version, from, to }), signal });

/** @returns {Promise<{vector: string, thumbnail: string}>} */
export const upload = (file) =>
  json("uploads", { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });

export function thumbnailAddress(key, edge) {
  return `api/thumbnail?${new URLSearchParams({ key, edge })}`;
}

export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

async function json(path, options) {
  return (await request(path, options)).json();
}

async function request(path, { parameters, ...options } = {}) {
  const query = parameters?.size ? `?${parameters}` : "";
  let response;
  try {
    response = await fetch(`api/${path}${query}`, options);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError("The gallery’s server does not answer. See whether it still runs, then try again.");
  }
  if (!response.ok) throw new ApiError(await reasonIn(response), response.status);
  return response;
}

async function reasonIn(response) {
  const text = await response.text();
  try {
    return JSON.parse(text).error ?? text;
  } catch {
    return `The server answered ${response.status} ${response.statusText}.`;
  }
}
