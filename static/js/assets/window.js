/**
 * A window over pages of a list of any length. A few pages are in the document; the others keep their height and come
 * back by their own cursor. Pages far away are forgotten altogether, and found again through their neighbour's cursor.
 */
import { h } from "../lib/dom.js";

const LIVE_EACH_SIDE = 2;
const MOST_KEPT = 60;
const AHEAD = 2500;

/**
 * @typedef {object} Sheet
 * @property {HTMLElement} element the page, or the empty box that keeps its place
 * @property {string} older cursor of the page below; empty = this is the last
 * @property {string} newer cursor of the page above
 * @property {string} from the address this page came from
 * @property {boolean} live
 */
export class Window {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.source = root.dataset.src;
    this.query = new URLSearchParams(location.search);
    for (const name of ["after", "before", "as", "view"]) this.query.delete(name);
    const text = document.querySelector('#query [name="q"]')?.value ?? "";
    this.query.set("q", text);
    this.query.set("layout", root.dataset.layout);
    const first = root.querySelector(".page");
    /** @type {Sheet[]} */
    this.sheets = [this.sheetOf(first, this.address(new URLSearchParams(location.search)))];
    this.query.delete("at");
    document.querySelector(".pager")?.setAttribute("hidden", "");
    root.classList.add("picks");
    this.prepare(first);
    this.busy = false;
    this.look = () => this.lookSoon();
    addEventListener("scroll", this.look, { passive: true });
    addEventListener("resize", this.look);
    this.lookSoon();
  }

  address(more) {
    const query = new URLSearchParams(this.query);
    for (const name of ["after", "before", "at"]) if (more.get(name)) query.set(name, more.get(name));
    return `${this.source}?${query}`;
  }

  cursor(name, value) {
    return this.address(new URLSearchParams({ [name]: value }));
  }

  /** @returns {Sheet} */
  sheetOf(element, from) {
    return { element, from, live: true, older: element.dataset.older, newer: element.dataset.newer };
  }

  /** Give a page its parts in the listbox. */
  prepare(page) {
    page.setAttribute("role", "presentation");
    this.root.dispatchEvent(new CustomEvent("window:page", { detail: page }));
  }

  lookSoon() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = undefined;
      this.lookAround();
    });
  }

  /** Find the page in the middle of the screen, wake those around it, put the others away, grow at the ends. */
  async lookAround() {
    if (this.busy) return;
    this.busy = true;
    try {
      const middle = this.middle();
      await this.keepAround(middle);
      const changed = (await this.growDown()) || (await this.growUp());
      if (changed) this.lookSoon();
    } catch (error) {
      this.say(error);
    } finally {
      this.busy = false;
    }
    if (this.stale) await this.reload();
  }

  middle() {
    const line = innerHeight / 2;
    const found = this.sheets.findIndex(({ element }) => element.getBoundingClientRect().bottom > line);
    return found < 0 ? this.sheets.length - 1 : found;
  }

  async keepAround(middle) {
    const wanted = (place) => Math.abs(place - middle) <= LIVE_EACH_SIDE;
    this.sheets.forEach((sheet, place) => {
      if (sheet.live && !wanted(place) && !sheet.element.contains(document.activeElement)) this.putAway(sheet);
    });
    const asleep = this.sheets.filter((sheet, place) => !sheet.live && wanted(place));
    await Promise.all(asleep.map((sheet) => this.wake(sheet)));
    this.forget(middle);
  }

  putAway(sheet) {
    const box = h("div", { class: "page away", "aria-hidden": "true" });
    box.style.height = `${sheet.element.offsetHeight}px`;
    sheet.element.replaceWith(box);
    Object.assign(sheet, { element: box, live: false });
  }

  async wake(sheet) {
    const page = await this.fetch(sheet.from);
    if (!page) return;
    sheet.element.replaceWith(page);
    Object.assign(sheet, { element: page, live: true });
    this.prepare(page);
  }

  /** Beyond MOST_KEPT pages the farthest go without a trace; what is seen stays where it is. */
  forget(middle) {
    while (this.sheets.length > MOST_KEPT) {
      const above = middle > this.sheets.length / 2;
      const sheet = above ? this.sheets.shift() : this.sheets.pop();
      if (above) this.keepPlace(() => sheet.element.remove());
      else sheet.element.remove();
      if (above) middle -= 1;
    }
  }

  async growDown() {
    const last = this.sheets.at(-1);
    const near = last.element.getBoundingClientRect().bottom < innerHeight + AHEAD;
    if (!last.live || !last.older || !near) return false;
    const from = this.cursor("after", last.older);
    const page = await this.fetch(from);
    if (!page) return false;
    this.root.append(page);
    this.sheets.push(this.sheetOf(page, from));
    this.prepare(page);
    return true;
  }

  async growUp() {
    const first = this.sheets[0];
    const near = first.element.getBoundingClientRect().top > -AHEAD;
    if (!first.live || !first.newer || !near) return false;
    const from = this.cursor("before", first.newer);
    const page = await this.fetch(from);
    if (!page) return false;
    this.keepPlace(() => this.root.prepend(page));
    this.sheets.unshift(this.sheetOf(page, from));
    this.prepare(page);
    return true;
  }

  /** Change something above what is seen without moving it. */
  keepPlace(change) {
    const anchor = this.sheets[this.middle()].element;
    const before = anchor.getBoundingClientRect().top;
    change();
    const moved = anchor.isConnected ? anchor.getBoundingClientRect().top - before : 0;
    if (moved) scrollBy({ top: moved, behavior: "instant" });
  }

  /** @returns {Promise<HTMLElement | null>} one page as the server draws it */
  async fetch(from) {
    const answer = await fetch(from, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".page");
    return page?.querySelector("[data-id]") ? document.adoptNode(page) : null;
  }

  /** Fetch the pages in sight again: something has changed on them. */
  async reload() {
    this.stale = this.busy;
    if (this.busy) return;
    this.busy = true;
    try {
      await Promise.all(this.sheets.filter((sheet) => sheet.live).map((sheet) => this.wake(sheet)));
    } catch (error) {
      this.say(error);
    } finally {
      this.busy = false;
    }
  }

  say(error) {
    const note = h("p", { class: "error", role: "alert" }, `More cannot be loaded: ${error.message} `);
    const again = h("button", { type: "button", class: "btn small" }, "Try again");
    again.addEventListener("click", () => {
      note.remove();
      this.lookSoon();
    });
    note.append(again);
    this.root.parentElement.querySelector(".error[role=alert]")?.remove();
    this.root.after(note);
  }

  /** All assets that are in the document, in order. */
  items() {
    return [...this.root.querySelectorAll("a[data-id]")];
  }
}
