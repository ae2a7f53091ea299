/** What stands where pictures would be: nothing found, an error, or work that is going on. */

const template = document.querySelector("#notice-template");

/**
 * Show a notice in its place, instead of what was there.
 *
 * @param {Element} place
 * @param {{title: string, text?: string, error?: boolean, actions?: (HTMLElement | null)[]}} notice
 */
export function showNotice(place, { title, text = "", error = false, actions = [] }) {
  const notice = template.content.cloneNode(true).firstElementChild;
  notice.classList.toggle("error", error);
  if (error) notice.setAttribute("role", "alert");
  notice.querySelector(".notice-title").textContent = title;
  fill(notice.querySelector(".notice-text"), text);
  fill(notice.querySelector(".notice-actions"), ...actions.filter(Boolean));
  place.replaceChildren(notice);
}

export function clearNotice(place) {
  place.replaceChildren();
}

export function button(label, action) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button";
  element.textContent = label;
  element.addEventListener("click", action);
  return element;
}

export function link(label, address) {
  const element = document.createElement("a");
  element.className = "button";
  element.textContent = label;
  element.href = address;
  return element;
}

function fill(element, ...content) {
  element.replaceChildren(...content);
  element.hidden = content.every((part) => part === "");
}
