// Draw, move and name boxes on a picture: by drag, by two clicks or taps, or by keys alone.

import { BoxDrawing } from "./box-drawing.js";
import { followPointers } from "./box-pointers.js";
import { between, moved, stretched } from "./lib/geometry.js";
import { History } from "./lib/history.js";
import { Viewport } from "./lib/viewport.js";

/** @typedef {{id?: number, x: number, y: number, w: number, h: number, label: string | null}} LabelledBox pixels */
/** @typedef {{name: string, colour?: string, words?: string}} Label `words`: what is shown instead of the name */

const LEAST = 2;
const fillIn = (text, values = {}) => text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));

/**
 * Events: `change` (boxes or labels are different), `select` (another box or none), `say` (detail: a sentence).
 */
export class BoxEditor extends BoxDrawing {
  /**
   * @param {HTMLElement} root an empty element with a size of its own
   * @param {{src: string, width: number, height: number, labels: Label[], boxes?: LabelledBox[], alt?: string,
   *   words?: (text: string, values?: Record<string, string | number>) => string}} options `words` translates
   */
  constructor(root, { src, width, height, labels, boxes = [], alt = "", words = fillIn }) {
    super();
    Object.assign(this, { root, width, height, labels, words, history: new History() });
    Object.assign(this, { items: new Map(), last: 0, selected: null, corner: null, cursor: null, brush: null, panning: false });
    this.build(src, alt);
    this.view = new Viewport(root, this.stage, { width, height, changed: () => this.rescale() });
    for (const box of boxes) this.insert(this.withId(box));
    followPointers(this);
  }

  // --- reading ---------------------------------------------------------------------------------------------------
  get order() {
    return [...this.items.keys()];
  }

  /** @returns {LabelledBox[]} copies, in the order they were drawn */
  get boxes() {
    return [...this.items.values()].map(({ box }) => ({ ...box }));
  }

  get current() {
    return this.items.get(this.selected)?.box ?? null;
  }

  /** Whether every box has a label. */
  get complete() {
    return this.boxes.every((box) => box.label !== null);
  }

  // --- changing --------------------------------------------------------------------------------------------------
  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  select(id) {
    const before = this.selected;
    this.selected = this.items.has(id) ? id : null;
    for (const one of [before, this.selected]) if (this.items.has(one)) this.draw(one);
    this.drawHandles();
    if (before !== this.selected) this.tell("select", this.selected);
  }

  put(id, box) {
    this.items.get(id).box = box;
    this.draw(id);
    this.tell("change");
  }

  remove(id) {
    const at = this.order.indexOf(id);
    this.items.get(id).node.remove();
    this.items.delete(id);
    this.number();
    this.select(this.order[Math.min(at, this.items.size - 1)] ?? null);
    this.tell("change");
  }

  /** Add a box; one that is too small is refused with a sentence. */
  add(rect) {
    if (rect.w < LEAST || rect.h < LEAST) return this.tell("say", "That box is too small. Set two corners further apart.");
    const box = this.withId({ ...rect, label: this.brush ?? (this.labels.length === 1 ? this.labels[0].name : null) });
    this.history.run({
      redo: () => {
        this.insert(box);
        this.select(box.id);
        this.tell("change");
      },
      undo: () => this.remove(box.id),
    });
    this.tell("say", box.label ? "Box added." : "Box added. Which label?");
    return box;
  }

  change(id, after, joins = "", before = this.items.get(id).box) {
    this.history.run({
      joins: joins && `${joins}:${id}`,
      redo: () => this.put(id, after),
      undo: () => this.put(id, before),
    });
  }

  /** Name the selected box; with none selected, the label waits for the next ones. */
  setLabel(name) {
    if (this.current) this.change(this.selected, { ...this.current, label: name });
    else this.brush = this.brush === name ? null : name;
    this.tell("select", this.selected);
  }

  deleteSelected() {
    const box = this.current;
    if (!box) return;
    this.history.run({ redo: () => this.remove(box.id), undo: () => this.restore(box) });
  }

  restore(box) {
    this.insert(box);
    this.select(box.id);
    this.tell("change");
  }

  clear() {
    while (this.items.size) {
      this.selected = this.order.at(-1);
      this.deleteSelected();
    }
  }

  undo() {
    if (this.corner || this.cursor) return this.dropCorner();
    return this.history.undo();
  }

  redo() {
    return this.history.redo();
  }

  /** Move or stretch the selected box by keys; a row of them is one undo step. */
  nudge(dx, dy, stretch) {
    const box = this.current;
    if (!box) return;
    const after = stretch
      ? stretched(box, dx, dy, this.width, this.height, LEAST)
      : moved(box, dx, dy, this.width, this.height);
    this.change(box.id, after, stretch ? "stretch" : "move");
  }

  step(by) {
    const at = this.order.indexOf(this.selected);
    this.select(this.order[at < 0 ? (by > 0 ? 0 : this.items.size - 1) : at + by] ?? null);
    return this.selected !== null;
  }

  // --- two clicks, or keys -----------------------------------------------------------------------------------------
  setCorner(point) {
    if (!this.corner) {
      this.select(null);
      this.corner = point;
      this.tell("say", "First corner set. Set the opposite corner.");
    } else {
      const box = between(this.corner, point, this.width, this.height);
      this.dropCorner();
      this.add(box);
    }
    this.drawMark();
  }

  dropCorner() {
    this.corner = this.cursor = null;
    this.hide(this.draft);
    this.drawMark();
    return true;
  }

  /** Begin to draw by keys: a mark that arrows move and Enter sets. */
  startDrawing() {
    this.select(null);
    this.cursor = [this.width / 2, this.height / 2];
    this.drawMark();
    this.tell("say", "Move the mark with the arrow keys, set a corner with Enter.");
  }

  moveCursor(dx, dy) {
    const [x, y] = this.cursor;
    const point = moved({ x, y, w: 0, h: 0 }, dx, dy, this.width, this.height);
    this.cursor = [point.x, point.y];
    this.drawMark();
    if (this.corner) this.preview(this.corner, this.cursor);
  }

  close() {
    this.stopPointers();
    this.view.close();
    this.root.replaceChildren();
    this.root.classList.remove("be");
    for (const name of ["role", "aria-label", "tabindex"]) this.root.removeAttribute(name);
  }
}
