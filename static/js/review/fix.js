// Fix mode: the agreed boxes in the box editor, and the same boxes as a list with numbers.

import { BoxEditor } from "../box-editor.js";
import { h } from "../lib/dom.js";
import { clamp, toFractions, toPixels } from "../lib/geometry.js";

const SIDES = [["x", "from left"], ["y", "from top"], ["w", "width"], ["h", "height"]];

export class Fix {
  /**
   * @param {{frame: HTMLElement, list: HTMLElement, say: (text: string) => void, whole: (flag: object) => void}} places
   * @param {{labels: object[], flags: {value: string, label: string}[]}} task
   */
  constructor(places, { labels, flags }) {
    Object.assign(this, places, { labels, flags: flagsOf(flags), editor: null, item: null });
  }

  get open() {
    return this.editor !== null;
  }

  /**
   * @param {object} item @param {object} found what the annotators agreed on, in pixels
   * @param {string | null} only the annotator shown alone: where nothing is agreed, hers is what is begun with
   */
  begin(item, found, only = null) {
    this.item = item;
    const hers = item.variants.find((one) => one.letter === only)?.boxes ?? [];
    const boxes = found.rows.length ? found.rows : hers.map(({ box, label }) => ({ label, box: toPixels(box, item.image.w, item.image.h) }));
    this.frame.hidden = false;
    this.editor = new BoxEditor(this.frame, {
      src: item.image.url,
      width: item.image.w,
      height: item.image.h,
      labels: this.labels,
      boxes: boxes.map((one) => ({ ...one.box, label: one.label })),
      alt: "Boxes of this photo. N draws one, Tab selects, arrows move, digits set the label.",
    });
    for (const type of ["change", "select"]) this.editor.addEventListener(type, () => this.drawList());
    this.editor.addEventListener("say", ({ detail }) => this.say(detail));
    this.drawList();
    this.frame.focus({ preventScroll: true });
    this.editor.select(this.editor.order[0] ?? null);
  }

  end() {
    this.editor?.close();
    this.editor = null;
    this.frame.hidden = true;
  }

  /** @returns {object[] | null} fractions of the image; null and a sentence when a box has no label */
  result() {
    const { w, h: height } = this.item.image;
    const boxes = this.editor.boxes;
    const nameless = boxes.find((box) => box.label === null);
    if (nameless) {
      this.editor.select(nameless.id);
      this.say("One box has no label yet: press its digit.");
      return null;
    }
    return boxes.map((box) => ({ label: box.label, ...toFractions(box, w, height) }));
  }

  drawList() {
    if (!this.editor) return;
    const active = this.list.contains(document.activeElement) ? document.activeElement.dataset.field : null;
    this.list.replaceChildren(
      h("h2", { class: "big" }, "Fix the boxes"),
      h("p", { class: "hint" }, "Drag, or set two corners. Digits name the selected box."),
      this.labelButtons(),
      h("ul", { class: "rv-list" }, ...this.editor.boxes.map((box, at) => this.row(box, at))),
      this.flagButtons(),
    );
    if (active) this.list.querySelector(`[data-field="${active}"]`)?.focus();
  }

  labelButtons() {
    const chosen = this.editor.current?.label ?? this.editor.brush;
    const buttons = this.labels.map((label, at) => {
      const button = h("button", { type: "button", class: `btn label is-${label.colour || "blue"}`, "aria-pressed": String(label.name === chosen) });
      button.append(label.name, h("kbd", {}, String(at + 1)));
      button.addEventListener("click", () => this.editor.setLabel(label.name));
      return button;
    });
    return h("div", { class: "rv-labels", role: "group", "aria-label": "Label" }, ...buttons);
  }

  flagButtons() {
    const buttons = this.flags.map((flag, at) => {
      const button = h("button", { type: "button", class: "btn" }, flag.label, h("kbd", {}, `⇧ ${at + 1}`));
      button.addEventListener("click", () => this.whole(flag));
      return button;
    });
    return h("section", {}, h("h3", {}, "The whole image"), h("div", { class: "rv-labels" }, ...buttons));
  }

  row(box, at) {
    const open = h("button", { type: "button", class: "hd", "aria-pressed": String(box.id === this.editor.selected) });
    open.append(h("span", { class: "pill acc" }, String(at + 1)), box.label ?? "no label");
    open.addEventListener("click", () => this.editor.select(box.id));
    const row = h("li", { class: `rv-box ${box.id === this.editor.selected ? "sel" : ""}` }, open);
    if (box.id === this.editor.selected) row.append(this.numbers(box));
    return row;
  }

  /** Places in numbers: the way to a box without dragging. */
  numbers(box) {
    const fields = SIDES.map(([side, words]) => {
      const input = h("input", { type: "number", class: "inp", min: "0", step: "1", "data-field": side });
      input.value = String(Math.round(box[side]));
      input.addEventListener("change", () => this.typed(box, side, Number(input.value)));
      return h("label", {}, h("span", {}, words), input);
    });
    return h("div", { class: "rv-numbers" }, ...fields);
  }

  typed(box, side, value) {
    const { w, h: height } = this.item.image;
    const most = { x: w - box.w, y: height - box.h, w: w - box.x, h: height - box.y }[side];
    const least = side === "w" || side === "h" ? 2 : 0;
    if (Number.isFinite(value)) this.editor.change(box.id, { ...box, [side]: clamp(value, least, most) });
  }
}

const REJECTING = { third_party: "Third-party photo", rotated: "Rotated" };

/** What may be said of a whole image: that there is nothing to box, in the task's words, or that the photo will not do. */
function flagsOf(flags) {
  const empty = flags.filter(({ value }) => !(value in REJECTING));
  const nothing = empty.length ? empty : [{ value: "nothing_there", label: "Nothing to box" }];
  const rejecting = Object.values(REJECTING).map((label) => ({ value: "third_party", label, rejects: true }));
  return [...nothing, ...rejecting];
}
