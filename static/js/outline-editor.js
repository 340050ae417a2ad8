// Draw outlines on a picture corner by corner, and mend them: by taps or clicks, or by keys alone. A tap on the first
// corner closes.

import { clamp } from "./lib/geometry.js";
import { History } from "./lib/history.js";
import { Viewport } from "./lib/viewport.js";
import { OutlineDrawing } from "./outline-drawing.js";
import { followPointers } from "./outline-pointers.js";

/** @typedef {[number, number]} Corner pixels */
/** @typedef {{id?: number, label: string | null, points: Corner[]}} Outline */

const LEAST = 3;
const NEAR = 22;
const fillIn = (text, values = {}) => text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));

/** Events: `change` (outlines, corners or labels are different), `select`, `say` (detail: a sentence). */
export class OutlineEditor extends OutlineDrawing {
  /**
   * @param {HTMLElement} root an empty element with a size of its own
   * @param {{src: string, width: number, height: number, labels: {name: string, colour?: string, words?: string}[],
   *   outlines?: Outline[], alt?: string, words?: (text: string, values?: object) => string}} options
   */
  constructor(root, { src, width, height, labels, outlines = [], alt = "", words = fillIn }) {
    super();
    Object.assign(this, { root, width, height, labels, words, history: new History(), last: 0 });
    Object.assign(this, { items: new Map(), open: [], selected: null, cursor: null, brush: null, panning: false, held: null, pulling: false });
    this.build(src, alt);
    this.view = new Viewport(root, this.stage, { width, height, changed: () => this.drawAll() });
    for (const one of outlines) this.insert({ ...one, id: ++this.last });
    this.stops = new AbortController();
    followPointers(this);
  }

  // --- reading ---------------------------------------------------------------------------------------------------
  get order() {
    return [...this.items.keys()];
  }

  /** @returns {Outline[]} */
  get outlines() {
    return [...this.items.values()];
  }

  get current() {
    return this.items.get(this.selected) ?? null;
  }

  /** @returns {[Corner, Corner]} the ends of an edge of the selected outline */
  edge(at) {
    const { points } = this.current;
    return [points[at], points[(at + 1) % points.length]];
  }

  middleOf(at) {
    const [[ax, ay], [bx, by]] = this.edge(at);
    return [(ax + bx) / 2, (ay + by) / 2];
  }

  /** Whether nothing is half drawn and every outline has a label. */
  get complete() {
    return this.open.length === 0 && this.outlines.every((one) => one.label !== null);
  }

  // --- changing --------------------------------------------------------------------------------------------------
  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** One step of undo: everything is small enough to be kept whole. */
  step(change, joins = "") {
    const before = this.state();
    let after = null;
    this.history.run({
      joins,
      redo: () => {
        if (after) return this.restore(after);
        change();
        after = this.state();
        return this.changed();
      },
      undo: () => this.restore(before),
    });
  }

  state() {
    return { items: structuredClone(this.outlines), open: structuredClone(this.open), selected: this.selected };
  }

  restore({ items, open, selected }) {
    this.items = new Map(structuredClone(items).map((one) => [one.id, one]));
    Object.assign(this, { open: structuredClone(open), selected, held: null });
    this.changed();
  }

  changed() {
    this.drawAll();
    this.tell("change");
    this.tell("select", this.selected);
  }

  insert(one) {
    this.items.set(one.id, one);
    this.drawAll();
  }

  select(id) {
    this.selected = this.items.has(id) ? id : null;
    this.held = null;
    this.drawAll();
    this.tell("select", this.selected);
  }

  /** Set a corner; on the first one of at least three the outline is closed. */
  addCorner(point) {
    if (this.open.length >= LEAST && this.isNear(point, this.open[0])) return this.closeOutline();
    this.step(() => {
      this.selected = null;
      this.open.push([...point]);
    });
    return this.tell("say", this.open.length < LEAST ? "Tap corner after corner around the object." : "Tap the first corner to close the outline.");
  }

  isNear([x, y], [a, b]) {
    return Math.hypot(x - a, y - b) * this.view.scale < NEAR;
  }

  closeOutline() {
    if (this.open.length < LEAST) return this.tell("say", "An outline needs at least three corners.");
    const label = this.brush ?? (this.labels.length === 1 ? this.labels[0].name : null);
    this.step(() => {
      const one = { id: ++this.last, label, points: this.open };
      this.open = [];
      this.cursor = null;
      this.items.set(one.id, one);
      this.selected = one.id;
    });
    return this.tell("say", label ? "Outline closed." : "Outline closed. Which label?");
  }

  setLabel(name) {
    const one = this.current;
    if (one) this.step(() => this.items.set(one.id, { ...this.current, label: name }));
    else this.brush = this.brush === name ? null : name;
    this.tell("select", this.selected);
  }

  /** Remove the corner that keys hold, else the whole outline. */
  deleteSelected() {
    const id = this.selected;
    if (!this.items.has(id)) return;
    if (this.held !== null) return this.deleteCorner();
    this.step(() => {
      this.items.delete(id);
      this.selected = null;
    });
  }

  deleteCorner() {
    if (this.current.points.length <= LEAST) return this.tell("say", "An outline needs at least three corners.");
    const at = this.held;
    this.held = null;
    this.step(() => this.current.points.splice(at, 1));
    return this.tell("say", "Corner removed.");
  }

  clear() {
    this.dropMark();
    if (!this.items.size && !this.open.length) return;
    this.step(() => {
      this.items.clear();
      Object.assign(this, { open: [], selected: null });
    });
  }

  /** Add a corner in the middle of an edge of the selected outline, and hold it. */
  splitEdge(at, joins) {
    const middle = this.middleOf(at);
    this.step(() => this.current.points.splice(at + 1, 0, middle), joins);
    this.hold(at + 1);
  }

  moveCorner(at, [x, y], joins) {
    const points = this.current ? this.current.points : this.open;
    this.step(() => points.splice(at, 1, [clamp(x, 0, this.width), clamp(y, 0, this.height)]), joins);
  }

  undo() {
    return this.history.undo();
  }

  redo() {
    return this.history.redo();
  }

  /** Begin to draw by keys: a mark that arrows move and Enter sets; Enter on the first corner closes. */
  startDrawing() {
    this.select(null);
    this.cursor = [this.width / 2, this.height / 2];
    this.drawAll();
    this.tell("say", "Move the mark with the arrow keys, set a corner with Enter.");
  }

  moveCursor(dx, dy) {
    const [x, y] = this.cursor;
    this.cursor = [clamp(x + dx, 0, this.width), clamp(y + dy, 0, this.height)];
    this.drawAll();
  }

  /** Let go of the mark, else of the corner held. @returns {boolean} whether there was one */
  dropMark() {
    if (!this.cursor && this.held === null) return false;
    if (this.cursor) this.cursor = null;
    else this.held = null;
    this.drawAll();
    this.tell("select", this.selected);
    return true;
  }

  /** Hold a corner of the selected outline: arrows move it, Del removes it. */
  hold(at) {
    this.held = at;
    this.drawAll();
    this.tell("select", this.selected);
    this.tell("say", "Corner chosen: move it, or remove it.");
  }

  holdCorner(by) {
    const all = this.current.points.length;
    this.hold(this.held === null ? (by > 0 ? 0 : all - 1) : (this.held + by + all) % all);
  }

  /** Move the corner held; a row of moves is one step of undo. */
  nudge(dx, dy) {
    const [x, y] = this.current.points[this.held];
    this.moveCorner(this.held, [x + dx, y + dy], `nudge-${this.selected}-${this.held}`);
  }

  next(by) {
    if (this.open.length) return this.tell("say", "Close the outline first, or undo its corners.");
    const at = this.order.indexOf(this.selected);
    return this.select(this.order[at < 0 ? (by > 0 ? 0 : this.items.size - 1) : at + by] ?? null);
  }

  close() {
    this.stops.abort();
    this.view.close();
    this.root.replaceChildren();
    this.root.classList.remove("be");
    for (const name of ["role", "aria-label", "tabindex"]) this.root.removeAttribute(name);
  }
}
