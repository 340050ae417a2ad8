// Draw, move and name boxes on a picture: by drag, by two clicks or taps, or by keys alone.
// Only what changes is touched in the page: a node per box, kept by its id.

import { followPointers } from "./box-pointers.js";
import { s } from "./lib/dom.js";
import { between, HANDLES, moved, stretched } from "./lib/geometry.js";
import { History } from "./lib/history.js";
import { outline, place } from "./lib/svg.js";
import { Viewport } from "./lib/viewport.js";

/** @typedef {{id?: number, x: number, y: number, w: number, h: number, label: string | null}} LabelledBox pixels */
/** @typedef {{name: string, colour?: string, words?: string}} Label `words`: what is shown instead of the name */

const LEAST = 2;
const fillIn = (text, values = {}) => text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));

/**
 * Events: `change` (boxes or labels are different), `select` (another box or none), `say` (detail: a sentence).
 */
export class BoxEditor extends EventTarget {
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

  // --- what is on the page ---------------------------------------------------------------------------------------
  build(src, alt) {
    this.root.classList.add("be");
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "application");
    this.root.setAttribute("aria-label", alt || "Picture to box");
    this.image = new Image();
    Object.assign(this.image, { src, alt: "", decoding: "async", draggable: false, className: "be-image" });
    this.layer = s("g");
    this.draft = outline(null, "be-draft");
    this.mark = s("g", { class: "be-mark" }, s("circle", { r: 13 }), s("circle", { r: 4, class: "be-dot" }));
    this.grips = HANDLES.map((_, at) => this.grip(at));
    this.handles = s("g", { class: "be-handles" }, ...this.grips);
    this.drawing = s("svg", { viewBox: `0 0 ${this.width} ${this.height}`, class: "be-svg" });
    this.drawing.append(this.layer, this.draft, this.handles, this.mark);
    this.stage = document.createElement("div");
    this.stage.className = "be-stage";
    this.stage.append(this.image, this.drawing);
    this.root.append(this.stage);
    this.hide(this.draft, this.mark, this.handles);
  }

  grip(at) {
    const corner = at % 2 === 0;
    const reach = s("circle", { class: "be-reach", "data-grip": at });
    const seen = s("circle", { r: corner ? 7 : 4.5, class: "be-grip" });
    return s("g", { class: corner ? "corner" : "edge" }, reach, seen);
  }

  hide(...nodes) {
    for (const node of nodes) node.setAttribute("visibility", "hidden");
  }

  withId(box) {
    return { label: null, ...box, id: box.id ?? ++this.last };
  }

  insert(box) {
    const name = s("text", { x: 7, y: -8 });
    const tag = s("g", { class: "be-tag" }, s("rect", { y: -24, height: 22, rx: 4 }), name);
    const node = s("g", { "data-box": box.id, role: "img" }, outline(null, "be-case"), outline(null, "be-line"), tag);
    const [casing, line] = node.children;
    this.items.set(box.id, { box, node, casing, line, tag, name });
    this.layer.append(node);
    this.draw(box.id);
    this.number();
  }

  draw(id) {
    const { box, node, casing, line, tag, name } = this.items.get(id);
    place(casing, box);
    place(line, box);
    const label = this.labels.find((one) => one.name === box.label);
    node.setAttribute("class", `be-box ${label ? `is-${label.colour || "blue"}` : "is-unnamed"}`);
    node.classList.toggle("sel", id === this.selected);
    this.write(name, label?.words ?? box.label ?? this.words("which one?"));
    const scale = 1 / (this.view?.scale ?? 1);
    tag.setAttribute("transform", `translate(${box.x} ${Math.max(box.y, 26 * scale)}) scale(${scale})`);
    const place4 = [box.x, box.y, box.w, box.h].map((side) => Math.round(side)).join(", ");
    const said = { n: this.order.indexOf(id) + 1, label: label?.words ?? box.label ?? this.words("no label"), place: place4 };
    node.setAttribute("aria-label", this.words("Box {n}, {label}, at {place}", said));
    if (id === this.selected) this.drawHandles();
  }

  /** Measure only a text that is new: reading sizes is slow. */
  write(name, text) {
    if (name.textContent === text) return;
    name.textContent = text;
    name.previousElementSibling.setAttribute("width", 14 + name.getComputedTextLength());
  }

  drawHandles() {
    const item = this.items.get(this.selected);
    this.handles.setAttribute("visibility", item ? "visible" : "hidden");
    if (!item) return;
    const { x, y, w, h } = item.box, scale = this.view.scale;
    const reach = Math.min(22, Math.max(8, (Math.min(w, h) * scale) / 3));
    const roomy = Math.min(w, h) * scale > 60;
    HANDLES.forEach(([fx, fy], at) => {
      this.grips[at].setAttribute("transform", `translate(${x + w * fx} ${y + h * fy}) scale(${1 / scale})`);
      this.grips[at].firstElementChild.setAttribute("r", reach);
      this.grips[at].setAttribute("display", at % 2 === 0 || roomy ? "inline" : "none");
    });
  }

  rescale() {
    if (!this.view) return;
    for (const id of this.items.keys()) this.draw(id);
    this.drawHandles();
    this.drawMark();
  }

  number() {
    for (const id of this.items.keys()) this.draw(id);
  }

  drawMark() {
    const point = this.cursor ?? this.corner;
    this.mark.setAttribute("visibility", point ? "visible" : "hidden");
    if (point) this.mark.setAttribute("transform", `translate(${point[0]} ${point[1]}) scale(${1 / this.view.scale})`);
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

  preview(from, to) {
    place(this.draft, between(from, to, this.width, this.height));
    this.draft.setAttribute("visibility", "visible");
  }

  close() {
    this.stopPointers();
    this.view.close();
    this.root.replaceChildren();
    this.root.classList.remove("be");
    for (const name of ["role", "aria-label", "tabindex"]) this.root.removeAttribute(name);
  }
}
