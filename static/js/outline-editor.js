// Draw outlines on a picture corner by corner: by taps or clicks, or by keys alone. A tap on the first corner closes.

import { s } from "./lib/dom.js";
import { clamp } from "./lib/geometry.js";
import { History } from "./lib/history.js";
import { pinch, Viewport } from "./lib/viewport.js";

/** @typedef {[number, number]} Corner pixels */
/** @typedef {{id?: number, label: string | null, points: Corner[]}} Outline */

const LEAST = 3;
const TAP = 6;
const NEAR = 22;
const fillIn = (text, values = {}) => text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));

/** Events: `change` (outlines, corners or labels are different), `select`, `say` (detail: a sentence). */
export class OutlineEditor extends EventTarget {
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
    this.followPointers();
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

  /** Whether nothing is half drawn and every outline has a label. */
  get complete() {
    return this.open.length === 0 && this.outlines.every((one) => one.label !== null);
  }

  // --- the page --------------------------------------------------------------------------------------------------
  build(src, alt) {
    this.root.classList.add("be");
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "application");
    this.root.setAttribute("aria-label", alt);
    const image = new Image();
    Object.assign(image, { src, alt: "", decoding: "async", draggable: false, className: "be-image" });
    this.layer = s("g");
    this.path = s("polyline", { class: "be-draft" });
    this.corners = s("g", { class: "oe-corners" });
    this.mark = s("g", { class: "be-mark" }, s("circle", { r: 13 }), s("circle", { r: 4, class: "be-dot" }));
    const drawing = s("svg", { viewBox: `0 0 ${this.width} ${this.height}`, class: "be-svg" });
    drawing.append(this.layer, this.path, this.corners, this.mark);
    this.stage = document.createElement("div");
    this.stage.className = "be-stage";
    this.stage.append(image, drawing);
    this.root.append(this.stage);
  }

  drawAll() {
    if (!this.view) return;
    this.layer.replaceChildren(...this.outlines.map((one, at) => this.drawn(one, at)));
    this.path.setAttribute("points", [...this.open, ...(this.cursor ? [this.cursor] : [])].join(" "));
    const points = this.current ? this.current.points : this.open;
    this.corners.replaceChildren(...points.map((point, at) => this.corner(point, at)));
    this.mark.setAttribute("visibility", this.cursor ? "visible" : "hidden");
    if (this.cursor) this.place(this.mark, this.cursor);
  }

  drawn(one, at) {
    const label = this.labels.find(({ name }) => name === one.label);
    const node = s("g", { "data-outline": one.id, role: "img" });
    node.setAttribute("class", `be-box ${label ? `is-${label.colour || "blue"}` : "is-unnamed"}${one.id === this.selected ? " sel" : ""}`);
    const said = { n: at + 1, label: label?.words ?? one.label ?? this.words("no label"), corners: one.points.length };
    node.setAttribute("aria-label", this.words("Outline {n}, {label}, {corners} corners", said));
    for (const name of ["oe-reach", "be-case", "be-line"]) node.append(s("polygon", { class: name, points: one.points.join(" ") }));
    return node;
  }

  corner(point, at) {
    const first = at === 0 && !this.current;
    const node = s("g", at === this.held ? { class: "held" } : {}, s("circle", { class: "be-reach", r: 16, "data-corner": at }), s("circle", { class: "be-grip", r: first ? 8 : 5 }));
    this.place(node, point);
    return node;
  }

  place(node, [x, y]) {
    node.setAttribute("transform", `translate(${x} ${y}) scale(${1 / this.view.scale})`);
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
    return this.step(() => this.current.points.splice(at, 1));
  }

  clear() {
    this.dropMark();
    if (!this.items.size && !this.open.length) return;
    this.step(() => {
      this.items.clear();
      Object.assign(this, { open: [], selected: null });
    });
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

  /** Leave what keys have begun: the mark, else the corner held, else the selection. */
  dropMark() {
    if (this.cursor) this.cursor = null;
    else if (this.held !== null) this.held = null;
    else return this.select(null);
    return this.drawAll();
  }

  /** Hold the next corner of the selected outline: arrows move it, Del removes it. */
  holdCorner(by) {
    const all = this.current.points.length;
    this.held = this.held === null ? (by > 0 ? 0 : all - 1) : (this.held + by + all) % all;
    this.drawAll();
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

  // --- pointers ----------------------------------------------------------------------------------------------------
  followPointers() {
    /** @type {Map<number, PointerEvent>} */
    const pointers = new Map();
    let act = null;
    const on = (type, run, more = {}) => this.root.addEventListener(type, run, { signal: this.stops.signal, ...more });
    on("pointerdown", (event) => {
      if (event.button > 1) return;
      this.root.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, event);
      act = pointers.size === 2 ? { kind: "pinch" } : this.begin(event);
    });
    on("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before || !act) return;
      this.follow(act, event, before, [...pointers.values()].find((one) => one.pointerId !== event.pointerId));
      pointers.set(event.pointerId, event);
    });
    on("pointerup", (event) => {
      pointers.delete(event.pointerId);
      if (pointers.size) return;
      if (act?.kind === "tap" && !act.far) this.tapped(event, act);
      act = null;
      this.letGo();
    });
    on("pointercancel", (event) => {
      pointers.delete(event.pointerId);
      act = null;
      this.letGo();
    });
    on("wheel", (event) => {
      event.preventDefault();
      this.view.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.clientX, event.clientY);
    }, { passive: false });
  }

  begin(event) {
    if (event.button === 1 || this.panning) return { kind: "pan" };
    const corner = event.target.dataset?.corner;
    const id = Number(event.target.closest?.("[data-outline]")?.dataset.outline);
    return { kind: "tap", at: event, corner, id, far: false, key: `corner-${corner}-${event.timeStamp}` };
  }

  follow(act, event, before, other) {
    if (act.kind === "pinch") return other && pinch(this.view, event, before, other);
    if (act.kind === "pan") return this.view.pan(event.clientX - before.clientX, event.clientY - before.clientY);
    act.far ||= Math.hypot(event.clientX - act.at.clientX, event.clientY - act.at.clientY) > TAP;
    if (!act.far || act.corner === undefined) return undefined;
    this.pulling = true;
    return this.moveCorner(Number(act.corner), this.view.toImage(event), act.key);
  }

  /** A corner that was pulled has come to rest. */
  letGo() {
    if (!this.pulling) return;
    this.pulling = false;
    this.tell("change");
  }

  tapped(event, { corner, id }) {
    if (this.open.length) return corner === "0" && this.open.length >= LEAST ? this.closeOutline() : this.addCorner(this.view.toImage(event));
    if (id) return this.select(id);
    if (this.current && corner === undefined) return this.select(null);
    return corner === undefined ? this.addCorner(this.view.toImage(event)) : undefined;
  }

  close() {
    this.stops.abort();
    this.view.close();
    this.root.replaceChildren();
    this.root.classList.remove("be");
    for (const name of ["role", "aria-label", "tabindex"]) this.root.removeAttribute(name);
  }
}
