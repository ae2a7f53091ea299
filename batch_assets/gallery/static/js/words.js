/** Numbers, dates and keys as people read them. */

const LANGUAGE = "en-GB";
const NUMBER = new Intl.NumberFormat(LANGUAGE);
const SHARE = new Intl.NumberFormat(LANGUAGE, { style: "percent", maximumFractionDigits: 0 });
const TIME = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const UNITS = ["bytes", "kB", "MB", "GB"];

export const number = (value) => NUMBER.format(value);

export const share = (value) => SHARE.format(value);

export const distance = (value) => value.toFixed(3);

/** @param {string} iso */
export const time = (iso) => `${TIME.format(new Date(iso))} UTC`;

export const counted = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;

/** The last part of a key: its file name. */
export const fileName = (key) => key.slice(key.lastIndexOf("/") + 1) || key;

/** A size in decimal units, three digits. */
export function bytes(size) {
  const power = Math.min(Math.floor(Math.log10(Math.max(size, 1)) / 3), UNITS.length - 1);
  return `${Number((size / 1000 ** power).toPrecision(3))} ${UNITS[power]}`;
}
