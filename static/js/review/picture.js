// The picture with everybody's boxes, and a magnified crop of each box below it.

import { h, s } from "../lib/dom.js";
import { around as unionOf, toPixels } from "../lib/geometry.js";
import { drawn as lineOf } from "../lib/svg.js";
import { pinch, Viewport } from "../lib/viewport.js";
import { around, listed, look, SHAKY } from "./findings.js";

const MOST_CROPS = 6;
const UNDER_BUTTONS = 84; // a tag ends here at the highest, so that no button lies over it

export class Picture {
  /** @param {{stage: HTMLElement, crops: HTMLElement}} places */
  constructor({ stage, crops }) {
    this.root = stage;
    this.crops = crops;
    this.image = h("img", { class: "rv-image", alt: "" });
    this.layer = s("svg", { class: "rv-boxes", "aria-hidden": "true" });
    this.tags = h("div", { class: "rv-tags", "aria-hidden": "true" });
    this.inner = h("div", { class: "rv-inner" }, this.image, this.layer);
    stage.append(this.inner, this.tags);
    this.view = new Viewport(stage, this.inner, { width: 16, height: 9, changed: () => this.placeTags() });
    this.shown = { everyone: true, consensus: true, only: null, hidden: false };
    new ResizeObserver(() => this.item && this.drawCrops()).observe(crops);
    this.followPan();
  }

  /** Show an image; its picture is in the cache already when it was preloaded. */
  show(item, found) {
    this.item = item;
    this.found = found;
    const { url, w, h: height } = item.image;
    this.image.src = url;
    this.image.alt = item.class ? `Photo sent for ${item.class}` : "Photo under review";
    this.layer.setAttribute("viewBox", `0 0 ${w} ${height}`);
    this.view.resize(w, height);
    this.zoomToBoxes();
    this.draw();
    this.drawCrops();
  }

  /** The part with the boxes, where that is wanted. */
  zoomToBoxes() {
    const part = this.closer && unionOf([...this.found.rows, ...this.found.extras].map((one) => one.box), 1.5);
    if (part) this.view.show(part);
  }

  /** Begin with the boxes or with the whole picture. @param {boolean} on */
  setCloser(on) {
    this.closer = on;
    if (!this.item) return;
    this.view.fit();
    this.zoomToBoxes();
  }

  /** Everyone, consensus, one annotator, nothing. */
  set(change) {
    Object.assign(this.shown, change);
    if (this.item) this.draw();
    for (const crop of this.crops.querySelectorAll("g")) crop.replaceChildren(...this.lines());
  }

  draw() {
    this.layer.replaceChildren(...this.lines());
    this.drawTags();
  }

  /** Boxes as nodes: every line with a dark casing, so that it is seen on any photo. */
  lines() {
    const { everyone, consensus, only, hidden } = this.shown;
    if (hidden) return [];
    const { w, h: height } = this.item.image;
    const people = this.item.variants.filter((one, at) => (only ? one.letter === only : everyone && at < 5));
    const drawn = people.flatMap((one) =>
      one.boxes.flatMap(({ box, points }) => {
        const rect = toPixels(box, w, height);
        return ["case", `an ${look(one.letter)}`].map((name) => lineOf(rect, points, w, height, name));
      }),
    );
    const agreed = consensus && !only ? this.found.rows.flatMap(({ box, points }) => ["cons0", "cons"].map((name) => lineOf(box, points, w, height, name))) : [];
    return [...drawn, ...agreed];
  }

  /** A name stands at each box that is drawn. */
  drawTags() {
    const { everyone, consensus, only, hidden } = this.shown;
    const rows = consensus && !only ? this.found.rows : [];
    const extras = this.found.extras.filter(({ letters }) => (only ? letters.includes(only) : everyone));
    const agreed = rows.map((row) => this.tag(row.box, row.label, row.lowest, shaky(row)));
    const others = extras.map((one) => this.tag(one.box, `only ${listed(one.letters)}`, null, look(one.letters[0])));
    this.tags.replaceChildren(...(hidden ? [] : [...agreed, ...others]));
    this.placeTags();
  }

  tag(box, text, value, tone) {
    const number = value === null ? [] : [h("span", { class: "v num" }, value.toFixed(2))];
    const node = h("span", { class: `rv-tag ${tone}` }, text, ...number);
    node.corner = [box.x, box.y];
    return node;
  }

  placeTags() {
    for (const node of this.tags?.children ?? []) {
      const [x, y] = this.view.toFrame(...node.corner);
      node.style.left = `${Math.max(4, x - 6)}px`;
      node.style.top = `${Math.max(UNDER_BUTTONS, y - 12)}px`;
    }
  }

  drawCrops() {
    const { rows, extras } = this.found;
    const entries = [
      ...rows.map((row, at) => ({ box: row.box, text: `${at + 1} ${row.label} ${number(row.lowest)}`, tone: shaky(row) })),
      ...extras.map((one) => ({ box: one.box, text: `only ${listed(one.letters)}`, tone: "dim" })),
    ].slice(0, MOST_CROPS);
    this.crops.dataset.n = String(Math.min(entries.length, 4));
    this.crops.hidden = entries.length === 0;
    const width = this.crops.clientWidth / Math.max(1, Math.min(entries.length, 4));
    const shape = Math.max(0.6, width / Math.max(80, this.crops.clientHeight));
    this.crops.replaceChildren(...entries.map((entry) => this.crop(entry, shape)));
  }

  crop({ box, text, tone }, shape) {
    const { url, w, h: height } = this.item.image;
    const picture = s("image", { href: url, width: w, height, preserveAspectRatio: "none" });
    const frame = s("svg", { viewBox: around(box, shape).join(" "), preserveAspectRatio: "xMidYMid meet", class: "rv-boxes" });
    frame.setAttribute("aria-hidden", "true");
    frame.append(picture, s("g", {}, ...this.lines()));
    return h("figure", { class: `rv-crop ${tone}` }, frame, h("figcaption", { class: "num" }, text));
  }

  followPan() {
    const on = (type, act, options) => this.root.addEventListener(type, act, options);
    on("wheel", (event) => {
      event.preventDefault();
      this.view.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.clientX, event.clientY);
    }, { passive: false });
    const pointers = new Map();
    on("pointerdown", (event) => pointers.set(event.pointerId, event));
    for (const type of ["pointerup", "pointercancel", "pointerleave"]) on(type, (event) => pointers.delete(event.pointerId));
    on("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const other = [...pointers.values()].find((one) => one.pointerId !== event.pointerId);
      if (other) pinch(this.view, event, before, other);
      else if (!this.view.fitted) this.view.pan(event.clientX - before.clientX, event.clientY - before.clientY);
      pointers.set(event.pointerId, event);
    });
  }
}

const shaky = (row) => (row.lowest !== null && row.lowest < SHAKY ? "warn" : "");
const number = (value) => (value === null ? "" : value.toFixed(2));
