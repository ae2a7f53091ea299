/** Dates, formats and sizes that narrow what is shown. */

import { currentState, go } from "./address.js";
import { countFilters, NO_FILTERS } from "./state.js";

const BYTES_PER_KILOBYTE = 1000;

export class Filters {
  #form = document.querySelector("#filters");
  #switch = document.querySelector("#filters-switch");
  #clear = document.querySelector("#clear-filters");
  #error = document.querySelector("#filters-error");
  #formats = document.querySelector("#formats");
  #since = document.querySelector("#since");
  #until = document.querySelector("#until");
  #minSize = document.querySelector("#min-size");
  #maxSize = document.querySelector("#max-size");

  constructor() {
    this.#form.addEventListener("change", () => this.#apply());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#apply();
    });
    this.#clear.addEventListener("click", () => {
      this.#since.focus();
      go({ filters: NO_FILTERS });
    });
    this.#switch.addEventListener("click", () => {
      this.#switch.setAttribute("aria-expanded", String(this.#switch.getAttribute("aria-expanded") !== "true"));
    });
  }

  /** Offer the formats that there are, and the dates. */
  offer({ formats, first_date: first, last_date: last }) {
    this.#formats.replaceChildren(...formats.map(choice));
    for (const field of [this.#since, this.#until]) {
      field.min = first;
      field.max = last;
    }
    this.show(currentState());
  }

  show({ filters, view }) {
    this.#form.parentElement.hidden = view === "map";
    for (const field of this.#form.querySelectorAll('[data-for="results"]')) field.hidden = view !== "results";
    this.#since.value = filters.since;
    this.#until.value = filters.until;
    this.#minSize.value = kilobytes(filters.minSizeBytes);
    this.#maxSize.value = kilobytes(filters.maxSizeBytes);
    for (const box of this.#boxes()) box.checked = filters.formats.includes(box.value);
    const count = countFilters(filters);
    this.#clear.hidden = count === 0;
    this.#switch.textContent = count ? `Filters (${count})` : "Filters";
    this.#refuse("");
  }

  #apply() {
    const filters = {
      since: this.#since.value,
      until: this.#until.value,
      formats: this.#boxes().filter((box) => box.checked).map((box) => box.value),
      minSizeBytes: sizeBytes(this.#minSize.value),
      maxSizeBytes: sizeBytes(this.#maxSize.value),
    };
    if (filters.since && filters.until && filters.since > filters.until) {
      this.#refuse("The first date is after the last.", this.#since, this.#until);
    } else if (filters.minSizeBytes && filters.maxSizeBytes && +filters.minSizeBytes > +filters.maxSizeBytes) {
      this.#refuse("The smallest size is larger than the largest.", this.#minSize, this.#maxSize);
    } else if (!this.#minSize.validity.valid || !this.#maxSize.validity.valid) {
      this.#refuse("A size is a number of kilobytes, 0 or more.", this.#minSize, this.#maxSize);
    } else {
      go({ filters });
    }
  }

  #refuse(message, ...fields) {
    this.#error.textContent = message;
    for (const field of [this.#since, this.#until, this.#minSize, this.#maxSize]) {
      field.setAttribute("aria-invalid", String(fields.includes(field)));
    }
  }

  #boxes() {
    return [...this.#formats.querySelectorAll("input")];
  }
}

function choice(format) {
  const label = document.createElement("label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.value = format;
  label.append(box, format);
  return label;
}

const kilobytes = (size) => (size ? String(Number(size) / BYTES_PER_KILOBYTE) : "");

const sizeBytes = (size) => (size ? String(Math.round(Number(size) * BYTES_PER_KILOBYTE)) : "");
