/**
 * Suggestions while a query is typed (fields, then their values), and searching in long lists of values.
 */
import { dataOf, h } from "../lib/dom.js";

const MOST = 10;
const QUOTED = /[\s,"'()<>=]|\.\./;

/** @typedef {{field: string, about: string, example: string, compares: boolean, values: string[]}} Known */

/** Write a value as the language wants it. */
export const written = (value) => (QUOTED.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : value);

/**
 * What fits the word before the cursor.
 * @param {Known[]} known @param {string} word
 * @returns {{text: string, about: string, done: boolean}[]} `done` = a space may follow
 */
export function suggested(known, word) {
  const minus = word.startsWith("-") ? "-" : "";
  const bare = word.slice(minus.length);
  const parts = /^([a-z_]+)(:|=|!=|<=|>=|<|>)(.*)$/i.exec(bare);
  if (!parts) {
    return known
      .filter(({ field }) => field.startsWith(bare.toLowerCase()))
      .map(({ field, about, compares }) => ({ text: `${minus}${field}${compares ? "" : ":"}`, about, done: false }))
      .slice(0, MOST + 12);
  }
  const [, field, op, rest] = parts;
  const found = known.find((one) => one.field === field.toLowerCase());
  const before = rest.includes(",") ? rest.slice(0, rest.lastIndexOf(",") + 1) : "";
  const typed = rest.slice(before.length).replace(/^"/, "").toLowerCase();
  return (found?.values ?? [])
    .filter((value) => value.toLowerCase().includes(typed))
    .map((value) => ({ text: `${minus}${field}${op}${before}${written(value)}`, about: "", done: true }))
    .slice(0, MOST);
}

/** @param {HTMLFormElement | null} form */
export function startQueryBar(form) {
  const input = form?.querySelector(".term");
  if (!input || form.dataset.started) return;
  form.dataset.started = "1";
  const list = form.querySelector("#suggestions");
  const known = dataOf("known-fields") ?? [];
  let at = -1;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-controls", "suggestions");
  input.setAttribute("aria-autocomplete", "list");
  close();

  function word() {
    const upTo = input.value.slice(0, input.selectionStart);
    return /(?:[^\s"]|"[^"]*"?)*$/.exec(upTo)[0];
  }

  function close() {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function open() {
    const found = suggested(known, word());
    list.replaceChildren(
      ...found.map(({ text, about, done }, place) =>
        h("li", { role: "option", id: `suggestion-${place}`, "data-text": text, "data-done": done, "aria-selected": "false" }, h("b", {}, text), h("span", {}, about)),
      ),
    );
    at = -1;
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    input.removeAttribute("aria-activedescendant");
  }

  function point(to) {
    const options = [...list.children];
    at = (to + options.length) % options.length;
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
    options[at].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[at].id);
  }

  function take(option) {
    const start = input.selectionStart - word().length;
    const done = option.hasAttribute("data-done");
    const text = `${option.dataset.text}${done ? " " : ""}`;
    input.setRangeText(text, start, input.selectionStart, "end");
    input.focus();
    open();
    if (done) close();
  }

  input.addEventListener("focus", open);
  input.addEventListener("input", open);
  input.addEventListener("blur", () => setTimeout(close, 150));
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const option = event.target.closest("li");
    if (option) take(option);
  });
  input.addEventListener("keydown", (event) => {
    const showing = !list.hidden && list.children.length > 0;
    if (event.key === "ArrowDown" && showing) point(at + 1);
    else if (event.key === "ArrowUp" && showing) point(at < 0 ? -1 : at - 1);
    else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) take(list.children[at]);
    else if (event.key === "Escape" && showing) close();
    else if (event.key === "Backspace" && input.value === "" && input.name === "more") removeLast();
    else return;
    event.preventDefault();
  });

  function removeLast() {
    const chips = form.querySelectorAll("a.chip");
    if (chips.length) location.assign(chips[chips.length - 1].href);
  }
}

/** Long lists of values can be searched. */
export function startFacets() {
  for (const field of document.querySelectorAll(".find-value[hidden]")) {
    field.hidden = false;
    const group = field.closest("details");
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase();
      const more = group.querySelector("details.more");
      if (more && wanted) more.open = true;
      for (const item of group.querySelectorAll("li")) item.hidden = !item.textContent.toLowerCase().includes(wanted);
    });
  }
}
