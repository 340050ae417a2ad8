/**
 * The command palette: type a piece of a name, choose with the arrows, Enter goes there.
 */
import { csrfToken, get } from "./api.js";
import { h } from "./dom.js";

const PAUSE = 90;
const KEPT = 6;

/** @typedef {{label: string, hint?: string, url: string, post?: Record<string, string>}} Item */
/** @typedef {{title: string, items: Item[]}} Group */

export class Palette {
  /** @param {{url: string, project: string, person: string}} start */
  constructor(start) {
    Object.assign(this, { start, chosen: -1, options: [], asked: 0, waiting: false, entered: null });
    this.store = `winnow.recent.${start.person}`;
  }

  open() {
    if (this.dialog?.open) return;
    this.build();
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.ask();
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
    this.input.addEventListener("input", () => this.later());
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("close", () => this.closed());
    this.dialog.addEventListener("click", (event) => this.clicked(event));
  }

  /** What was asked before is of no interest any more. */
  closed() {
    this.dialog.remove();
    clearTimeout(this.timer);
    this.asked += 1;
    this.entered = null;
  }

  later() {
    clearTimeout(this.timer);
    this.waiting = true;
    this.entered = null;
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    const turn = (this.asked += 1);
    this.timer = undefined;
    this.waiting = true;
    const text = this.input.value.trim();
    const query = new URLSearchParams({ q: text, p: this.start.project });
    try {
      const { groups } = await get(`${this.start.url}?${query}`, { retries: 0 });
      if (turn === this.asked) this.show(text ? groups : [...this.recent(), ...groups]);
    } catch {
      if (turn === this.asked) this.say("The server did not answer. Go on typing to ask again.");
    }
    if (turn === this.asked && !this.timer) this.answered();
  }

  /** Enter that came before its answer goes to what the answer has first. */
  answered() {
    const { entered } = this;
    Object.assign(this, { waiting: false, entered: null });
    if (entered) this.go(this.chosen, entered.apart);
  }

  /** @param {Group[]} groups */
  show(groups) {
    this.options = [];
    this.list.replaceChildren(...groups.map((group, at) => this.group(group, at)));
    this.choose(this.options.length ? 0 : -1);
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
