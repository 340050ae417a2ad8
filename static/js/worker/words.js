// What modules say, in the language of the page. English is in the sources; other languages come with the page.

import { dataOf } from "../lib/dom.js";

const words = dataOf("words") ?? {};

/**
 * @param {string} text in English, as in the list of the server; {names} are filled in
 * @param {Record<string, string | number>} [values]
 */
export function t(text, values = {}) {
  return (words[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** A number as the page's language writes it. */
export const number = (value, digits = 0) =>
  value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });
