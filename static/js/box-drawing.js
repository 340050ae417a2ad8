// What the box editor puts on the page: the picture, a node per box kept by its id, the handles of the selected one,
// the mark of a corner. Only what changes is touched.

import { s } from "./lib/dom.js";
import { between, HANDLES } from "./lib/geometry.js";
import { outline, place } from "./lib/svg.js";

/** Drawing alone; what is drawn, and when, the editor says. */
export class BoxDrawing extends EventTarget {
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

  preview(from, to) {
    place(this.draft, between(from, to, this.width, this.height));
    this.draft.setAttribute("visibility", "visible");
  }
}
