// What the outline editor puts on the page: the picture, the outlines, the corners of the chosen one and the middles of
// its edges, the mark that keys move.

import { s } from "./lib/dom.js";

const ROOMY = 56; // an edge that is so long on the screen shows its middle

/** Drawing alone; what is drawn, and when, the editor says. */
export class OutlineDrawing extends EventTarget {
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
    const middles = this.current ? points.flatMap((_, at) => this.middle(at)) : [];
    this.corners.replaceChildren(...middles, ...points.map((point, at) => this.corner(point, at)));
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

  /** Where a corner may be added; nothing on an edge too short to be hit beside its ends. */
  middle(at) {
    const [from, to] = this.edge(at);
    if (Math.hypot(to[0] - from[0], to[1] - from[1]) * this.view.scale < ROOMY) return [];
    const node = s("g", { class: "oe-middle" }, s("circle", { class: "be-reach", r: 12, "data-edge": at }), s("circle", { class: "be-grip", r: 4 }));
    this.place(node, this.middleOf(at));
    return [node];
  }

  place(node, [x, y]) {
    node.setAttribute("transform", `translate(${x} ${y}) scale(${1 / this.view.scale})`);
  }
}
