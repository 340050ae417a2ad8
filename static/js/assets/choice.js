/**
 * Choosing assets by pointer and keyboard (a listbox with one stop of the Tab key), and the bar of what to do with
 * them. What is chosen is ids; "all that match" is the query itself, never ids.
 */
import { h, isTyping, s } from "../lib/dom.js";
import { Keys } from "../lib/keys.js";

const MOST_PICKED = 1000;
const COLOURS = 2;
const number = new Intl.NumberFormat("en");

export class Choice {
  /** @param {HTMLElement} root @param {import("./window.js").Window} pages */
  constructor(root, pages) {
    Object.assign(this, { root, pages, bar: document.querySelector("#bulk"), picked: new Set(), all: false });
    root.setAttribute("role", "listbox");
    root.setAttribute("aria-multiselectable", "true");
    root.setAttribute("aria-label", root.dataset.label);
    root.addEventListener("window:page", (event) => this.dress(event.detail));
    root.querySelectorAll(".page").forEach((page) => this.dress(page));
    root.addEventListener("click", (event) => this.click(event));
    root.addEventListener("focusin", (event) => this.focus(event.target.closest("a[data-id]")));
    root.addEventListener("pointerover", (event) => this.draw(event.target.closest("a[data-id]")));
    root.addEventListener("pointerleave", () => this.draw(null));
    if (this.bar) this.startBar();
    this.startKeys();
  }

  /** Make the pictures of a page options; what was chosen before is so again. */
  dress(page) {
    const table = page.querySelector("table");
    for (const part of table ? [table, ...table.querySelectorAll("tbody, tr, th, td")] : []) part.setAttribute("role", "presentation");
    for (const head of page.querySelectorAll("thead, caption")) head.setAttribute("aria-hidden", "true");
    for (const item of page.querySelectorAll("a[data-id]")) {
      item.setAttribute("role", "option");
      item.setAttribute("aria-setsize", "-1");
      item.tabIndex = -1;
      this.mark(item);
    }
    if (!this.root.querySelector('a[tabindex="0"]')) this.pages.items()[0]?.setAttribute("tabindex", "0");
  }

  mark(item) {
    const chosen = this.all || this.picked.has(item.dataset.id);
    item.setAttribute("aria-selected", String(chosen));
    const row = item.closest("tr");
    if (row) row.toggleAttribute("data-chosen", chosen);
  }

  click(event) {
    const item = event.target.closest("a[data-id]");
    if (!item || !this.bar) return;
    const box = item.getBoundingClientRect();
    const corner = event.clientX - box.left < 32 && event.clientY - box.top < 32 && event.detail > 0;
    const choosing = this.picked.size > 0 || this.all;
    if (!(corner || event.shiftKey || event.ctrlKey || event.metaKey || (choosing && event.detail > 0))) return;
    event.preventDefault();
    if (event.shiftKey) this.range(item);
    else this.toggle(item);
  }

  toggle(item) {
    this.all = false;
    const { id } = item.dataset;
    if (!this.picked.delete(id) && this.picked.size < MOST_PICKED) this.picked.add(id);
    this.last = id;
    item.focus();
    this.show();
  }

  range(item) {
    const items = this.pages.items();
    const from = items.findIndex((one) => one.dataset.id === this.last);
    const to = items.indexOf(item);
    const [low, high] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
    items.slice(low, high + 1).forEach((one) => this.picked.size < MOST_PICKED && this.picked.add(one.dataset.id));
    this.all = false;
    item.focus();
    this.show();
  }

  clear() {
    this.picked.clear();
    this.all = false;
    this.show();
  }

  show() {
    this.pages.items().forEach((item) => this.mark(item));
    if (!this.bar) return;
    const some = this.all || this.picked.size > 0;
    this.bar.hidden = !some;
    const total = Number(document.querySelector("#found")?.dataset.total);
    const all = total ? `all ${number.format(total)} that match` : "all that match";
    this.bar.querySelector("#bulk-what").textContent = this.all ? `A${all.slice(1)}` : `${number.format(this.picked.size)} selected`;
    const more = this.bar.querySelector("#bulk-all");
    more.textContent = `Select ${all}`;
    more.hidden = this.all;
    this.bar.elements.picked.value = this.all ? "" : [...this.picked].join(" ");
  }

  // --- keys ------------------------------------------------------------------------------------------------------
  startKeys() {
    const here = () => this.root.contains(document.activeElement);
    const row = () => this.columns();
    const letters = { KeyL: "L", KeyT: "T", KeyR: "R", KeyX: "X" };
    const table = [
      { id: "right", code: "ArrowRight", does: "next picture", when: here, run: (event) => this.step(1, event) },
      { id: "left", code: "ArrowLeft", does: "previous picture", when: here, run: (event) => this.step(-1, event) },
      { id: "down", code: "ArrowDown", does: "a row down", when: here, run: (event) => this.step(row(), event) },
      { id: "up", code: "ArrowUp", does: "a row up", when: here, run: (event) => this.step(-row(), event) },
      { id: "pick", code: "Space", does: "choose", when: here, run: () => this.bar && this.toggle(document.activeElement) },
      { id: "none", code: "Escape", does: "clear the selection", when: () => this.picked.size > 0 || this.all, run: () => this.clear() },
      ...Object.entries(letters).map(([code, letter]) => ({
        id: `bulk-${letter}`,
        code,
        does: `change the chosen: ${letter}`,
        when: () => this.picked.size > 0 || this.all,
        run: () => this.bar?.querySelector(`[data-key="${letter}"]`)?.click(),
      })),
    ];
    this.keys = new Keys("assets", table);
  }

  columns() {
    const items = this.pages.items();
    const top = items[0]?.offsetTop;
    const found = items.findIndex((item) => item.offsetTop !== top);
    return found < 1 ? 1 : found;
  }

  step(by, event) {
    if (isTyping(event)) return;
    const items = this.pages.items();
    const place = items.indexOf(document.activeElement);
    const next = items[Math.max(0, Math.min(items.length - 1, place + by))];
    next?.focus();
    if (event.shiftKey && next && this.bar) this.range(next);
  }

  /** The Tab key comes back to the picture that was looked at last. */
  focus(item) {
    if (!item) return;
    this.root.querySelector('a[tabindex="0"]')?.setAttribute("tabindex", "-1");
    item.tabIndex = 0;
    this.last ??= item.dataset.id;
    this.draw(item);
  }

  /** Draw the boxes of one picture, of no other. */
  draw(item) {
    if (this.drawn === item) return;
    this.drawn?.querySelector(".overlay")?.remove();
    this.drawn = item;
    if (!item?.dataset.boxes) return;
    const [width, height] = item.dataset.size.split(" ");
    const overlay = s("svg", { class: "overlay", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" });
    item.dataset.boxes.split(" ").forEach((text, place) => {
      const [x, y, w, tall] = text.split(",").map(Number);
      const sides = { x: x * width, y: y * height, width: w * width, height: tall * height };
      overlay.append(s("rect", { class: `b${(place % COLOURS) + 1}`, ...sides }));
    });
    item.append(overlay);
  }

  // --- the bar ---------------------------------------------------------------------------------------------------
  startBar() {
    this.bar.classList.add("floats");
    this.bar.querySelector("#bulk-none").hidden = false;
    this.bar.querySelector("#bulk-none").addEventListener("click", () => this.clear());
    this.bar.querySelector("#bulk-all").addEventListener("click", () => {
      this.picked.clear();
      this.all = true;
      this.show();
    });
    this.bar.addEventListener("submit", (event) => this.send(event));
    this.bar.addEventListener("keydown", (event) => this.enter(event));
    this.show();
  }

  /** Enter in a field presses the button that follows it in the same popover, never one of another. */
  enter(event) {
    const field = event.target;
    if (event.key !== "Enter" || event.isComposing || !(field instanceof HTMLInputElement)) return;
    event.preventDefault();
    const buttons = [...(field.closest("[popover]")?.querySelectorAll("button[type=submit]") ?? [])];
    buttons.find((one) => field.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING)?.click();
  }

  async send(event) {
    event.preventDefault();
    const body = new FormData(this.bar, event.submitter);
    event.submitter.closest("[popover]")?.hidePopover();
    const place = document.querySelector("#change");
    try {
      const answer = await fetch(this.bar.action, { method: "POST", body, headers: { "HX-Request": "true" } });
      const toast = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".toast");
      if (!toast) throw new Error(`the server answered ${answer.status}`);
      place.replaceChildren(document.adoptNode(toast));
      window.htmx?.process(place);
    } catch (error) {
      place.replaceChildren(h("div", { class: "toast bad", role: "alert" }, `Nothing was changed: ${error.message}.`));
    }
  }
}
