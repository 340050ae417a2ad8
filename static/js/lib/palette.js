/**
 * The command palette: type a piece of a name, choose with the arrows, Enter goes there.
 */
import { csrfToken, get } from "./api.js";
import { h } from "./dom.js";

const KEPT = 6;

/** @typedef {{label: string, hint?: string, url: string, post?: Record<string, string>, words?: string}} Item */
/** @typedef {{title: string, items: Item[]}} Group */

export class Palette {
  /** @param {{url: string, project: string, person: string}} start */
  constructor(start) {
    Object.assign(this, { start, chosen: -1, options: [], known: null, underway: false, again: false, waiting: false, entered: null });
    this.store = `winnow.recent.${start.person}`;
  }

  open() {
    if (this.dialog?.open) return;
    this.build();
    document.body.append(this.dialog);
    this.dialog.showModal();
    if (this.known) this.show([...this.recent(), ...this.known]);
    else this.ask();
  }

  text() {
    return this.input.value.split(/\s+/).filter(Boolean).join(" ");
  }

  build() {
    const list = { id: "palette-list", class: "palette-list", role: "listbox", "aria-label": "Found" };
    this.input = h("input", {
      class: "palette-input", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list",
      "aria-label": "Go to a screen, pool, worker, asset or command", placeholder: "Screen, pool, worker, asset, command …",
    });
    this.list = h("div", list);
    this.status = h("p", { class: "vh", role: "status" });
    this.dialog = h("dialog", { class: "palette", "aria-label": "Search or go to" }, this.input, this.list, this.status, footer());
    this.input.addEventListener("input", () => this.typed());
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("close", () => this.closed());
    this.dialog.addEventListener("click", (event) => this.clicked(event));
  }

  closed() {
    this.dialog.remove();
    Object.assign(this, { again: false, waiting: false, entered: null });
  }

  /** Screens and commands are known by heart after the first question: they stand at once, rows follow. */
  typed() {
    this.entered = null;
    const text = this.text();
    const all = this.known ?? [];
    const named = text ? fitting(text, all, ({ label }) => label) : [...this.recent(), ...all];
    const groups = [...named, ...(text ? meant(text, all, named) : [])];
    this.waiting = !named.length;
    if (groups.length) this.show(groups);
    if (text || !this.known) this.ask();
  }

  /** One question at a time: what was typed meanwhile is asked when the answer before it is there. */
  async ask() {
    this.waiting ||= !this.known;
    if (this.underway) {
      this.again = true;
      return;
    }
    this.underway = true;
    const text = this.text();
    const query = new URLSearchParams({ q: text, p: this.start.project });
    try {
      const { groups } = await get(`${this.start.url}?${query}`, { retries: 0 });
      if (!text) this.known = groups;
      if (text === this.text()) this.show(text ? groups : [...this.recent(), ...groups], !this.waiting);
    } catch {
      if (text === this.text()) this.unanswered();
    }
    this.underway = false;
    if (this.again && this.dialog.open) {
      this.again = false;
      this.ask();
    } else this.answered();
  }

  unanswered() {
    const words = "The server did not answer. Go on typing to ask again.";
    if (this.waiting) this.say(words);
    else this.list.append(h("p", { class: "palette-none" }, words));
  }

  /** Enter that came before its answer goes to what the answer has first. */
  answered() {
    const { entered } = this;
    Object.assign(this, { waiting: false, entered: null });
    if (entered) this.go(this.chosen, entered.apart);
  }

  /** @param {Group[]} groups @param {boolean} stay what is chosen stays chosen when it is still there */
  show(groups, stay = false) {
    const before = stay ? this.options[this.chosen]?.item : undefined;
    this.options = [];
    this.list.replaceChildren(...groups.map((group, at) => this.group(group, at)));
    const place = this.options.findIndex(({ item }) => item.url === before?.url && item.label === before?.label);
    this.choose(this.options.length ? Math.max(0, place) : -1);
    if (!this.options.length) this.say("Nothing of that name. Names of screens, pools, workers (w_…), files and data sets are known.");
    else this.status.textContent = `${this.options.length} found`;
  }

  say(words) {
    this.options = [];
    this.choose(-1);
    this.list.replaceChildren(h("p", { class: "palette-none" }, words));
    this.status.textContent = words;
  }

  group({ title, items }, at) {
    const head = h("div", { class: "palette-head", id: `palette-group-${at}`, role: "presentation" }, title);
    return h("div", { role: "group", "aria-labelledby": head.id }, head, ...items.map((item) => this.option(item)));
  }

  option(item) {
    const place = this.options.length;
    const hint = item.hint ? [h("span", { class: "palette-hint" }, item.hint)] : [];
    const element = h("div", { class: "palette-item", id: `palette-${place}`, role: "option", "aria-selected": "false" }, h("span", {}, item.label), ...hint);
    element.dataset.place = String(place);
    this.options.push({ item, element });
    return element;
  }

  choose(place) {
    this.options[this.chosen]?.element.setAttribute("aria-selected", "false");
    this.chosen = place;
    const now = this.options[place];
    now?.element.setAttribute("aria-selected", "true");
    now?.element.scrollIntoView({ block: "nearest" });
    if (now) this.input.setAttribute("aria-activedescendant", now.element.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const many = this.options.length;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.code in steps && many) {
      const step = steps[event.code];
      const to = this.chosen + step;
      this.waiting = false;
      this.choose(Math.abs(step) === 1 ? (to + many) % many : Math.max(0, Math.min(many - 1, to)));
    } else if (event.code === "Enter" || event.code === "NumpadEnter") {
      const apart = event.ctrlKey || event.metaKey;
      if (this.waiting) this.entered = { apart };
      else this.go(this.chosen, apart);
    } else return;
    event.preventDefault();
  }

  clicked(event) {
    if (event.target === this.dialog) return this.dialog.close();
    const option = event.target instanceof Element ? event.target.closest("[data-place]") : null;
    return option ? this.go(Number(option.dataset.place), event.ctrlKey || event.metaKey) : undefined;
  }

  go(place, apart = false) {
    const item = this.options[place]?.item;
    if (!item) return;
    if (item.post) return submit(item);
    this.remember(item);
    this.dialog.close();
    if (apart) window.open(item.url, "_blank", "noopener");
    else location.assign(item.url);
  }

  /** @returns {Group[]} what was chosen last, first */
  recent() {
    try {
      const items = JSON.parse(localStorage.getItem(this.store) ?? "[]");
      return items.length ? [{ title: "Recent", items }] : [];
    } catch {
      return [];
    }
  }

  remember({ label, hint, url }) {
    const before = this.recent()[0]?.items ?? [];
    const items = [{ label, hint: /^G .$/.test(hint ?? "") ? "" : hint, url }, ...before.filter((one) => one.url !== url)];
    try {
      localStorage.setItem(this.store, JSON.stringify(items.slice(0, KEPT)));
    } catch {
      // a full or closed store: nothing is remembered
    }
  }

  forget() {
    localStorage.removeItem(this.store);
  }
}

/** As the server does: every word must be there, titles that begin with the text come first. */
function fitting(text, groups, told) {
  const whole = text.toLowerCase();
  const words = whole.split(" ");
  const fits = (item) => words.every((word) => told(item).toLowerCase().includes(word));
  const begins = ({ label }) => Number(label.toLowerCase().startsWith(whole));
  return groups
    .map(({ title, items }) => ({ title, items: items.filter(fits).sort((a, b) => begins(b) - begins(a)) }))
    .filter(({ items }) => items.length);
}

/** What is not named so but means that comes last. */
function meant(text, groups, named) {
  const has = new Set(named.flatMap(({ items }) => items));
  const found = fitting(text, groups, ({ label, words = "" }) => `${label} ${words}`);
  const items = found.flatMap((group) => group.items).filter((item) => !has.has(item));
  return items.length ? [{ title: "See also", items }] : [];
}

function footer() {
  const keys = [["↑ ↓", "choose"], ["Enter", "go"], ["Ctrl Enter", "in a new tab"], ["Esc", "close"]];
  return h("p", { class: "palette-foot" }, ...keys.map(([key, does]) => h("span", {}, h("kbd", {}, key), ` ${does}`)));
}

/** A command that changes something is a form like any other. @param {Item} item */
function submit({ url, post }) {
  const form = h("form", { method: "post", action: url, hidden: true });
  const fields = { csrfmiddlewaretoken: csrfToken(), next: location.pathname + location.search, ...post };
  for (const [name, value] of Object.entries(fields)) form.append(h("input", { type: "hidden", name, value }));
  document.body.append(form);
  form.submit();
}
