/** A picture in a grid: opens its details, and offers to find more like it. Keys are only ever text. */

import { thumbnailAddress } from "./api.js";
import { addressOf, VIEWS } from "./state.js";
import { bytes, distance, fileName } from "./words.js";

const template = document.querySelector("#tile-template");
const SKELETONS = 12;

/**
 * @param {{key: string, partition: string, distance?: number | null, size_bytes?: number}} picture
 * @param {import("./state.js").State} state Where the tile stands.
 */
export function tile(picture, state) {
  const item = template.content.cloneNode(true).firstElementChild;
  const name = fileName(picture.key);
  const link = item.querySelector(".tile-link");
  link.href = addressOf({ ...state, open: picture.key });
  link.dataset.key = picture.key;
  link.title = picture.key;
  showThumbnail(item.querySelector(".tile-picture"), picture.key, 256);
  item.querySelector(".tile-name").textContent = name;
  item.querySelector(".tile-facts").append(...facts(picture).map(span));
  const like = item.querySelector(".tile-like");
  like.href = likeAddress(picture.key, state);
  like.setAttribute("aria-label", `More like it: ${name}`);
  return item;
}

/** Where more like a picture are shown; the filters stay. */
export function likeAddress(key, state) {
  return addressOf({ ...state, query: { kind: "key", value: key }, view: VIEWS[0], open: "", position: null });
}

/** Put a picture's thumbnail into its frame, which says so if there is none. */
export function showThumbnail(frame, key, edge) {
  const image = frame.querySelector("img");
  frame.classList.remove("missing");
  image.onerror = () => frame.classList.add("missing");
  image.srcset = `${thumbnailAddress(key, edge)} 1x, ${thumbnailAddress(key, Math.min(2 * edge, 1024))} 2x`;
  image.src = thumbnailAddress(key, edge);
}

export function skeletons() {
  return Array.from({ length: SKELETONS }, () => {
    const item = document.createElement("li");
    item.className = "tile skeleton";
    item.setAttribute("aria-hidden", "true");
    return item;
  });
}

/** Mark the tiles of the picture whose details are shown. */
export function markOpen(key) {
  for (const link of document.querySelectorAll(".tile-link")) {
    if (key && link.dataset.key === key) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

/** Let the arrow keys go from picture to picture, besides Tab, which also stops at what a tile offers. */
export function moveWithArrows(list) {
  list.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll(".tile-link")];
    const from = links.indexOf(event.target);
    if (from < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: links.length - 1 }[event.key];
    const target = links[to] ?? besideInColumn(links, from, event.key);
    if (!target) return;
    event.preventDefault();
    target.focus();
  });
}

/** The picture above or below, in whichever row has one nearest to it. */
function besideInColumn(links, from, key) {
  const direction = { ArrowUp: -1, ArrowDown: 1 }[key];
  if (!direction) return undefined;
  const here = links[from].getBoundingClientRect();
  let row;
  let best;
  for (let index = from + direction; links[index]; index += direction) {
    const there = links[index].getBoundingClientRect();
    if (there.top === here.top) continue;
    row ??= there.top;
    if (there.top !== row) break;
    if (!best || Math.abs(there.left - here.left) < best.offset) {
      best = { offset: Math.abs(there.left - here.left), link: links[index] };
    }
  }
  return best?.link;
}

function facts(picture) {
  const nearness = picture.distance ?? null;
  return nearness === null ? [picture.partition, bytes(picture.size_bytes)] : [distance(nearness), picture.partition];
}

function span(text) {
  const element = document.createElement("span");
  element.textContent = text;
  return element;
}
