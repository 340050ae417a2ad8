// Fix mode: what was agreed on in its editor, and the same as a list with numbers.

import { h } from "../lib/dom.js";
import { toPixels } from "../lib/geometry.js";
import { shapeOf } from "./fix-shapes.js";

export class Fix {
  /**
   * @param {{frame: HTMLElement, list: HTMLElement, say: (text: string) => void, hush: () => void, whole: (flag: object) => void}} places
   * @param {{labels: object[], flags: {value: string, label: string}[], outlines: boolean}} task
   */
  constructor(places, { labels, flags, outlines }) {
    Object.assign(this, places, { labels, flags: flagsOf(flags), outlines, shape: null, editor: null, item: null });
  }

  get open() {
    return this.editor !== null;
  }

  /** The editor in use if it draws these. @param {"box" | "outline"} name */
  editorOf(name) {
    return this.shape?.name === name ? this.editor : null;
  }

  /** What is fixed where this is drawn. */
  shapeFor(drawn) {
    return shapeOf(drawn, this.outlines);
  }

  /**
   * @param {object} item @param {object} found what the annotators agreed on, in pixels
   * @param {string | null} only the annotator shown alone: where nothing is agreed, hers is what is begun with
   */
  begin(item, found, only = null) {
    this.item = item;
    const { url: src, w: width, h: height } = item.image;
    const hers = item.variants.find((one) => one.letter === only)?.boxes ?? [];
    const drawn = found.rows.length ? found.rows : hers.map((one) => ({ ...one, box: toPixels(one.box, width, height) }));
    this.shape = this.shapeFor(drawn);
    this.frame.hidden = false;
    this.editor = this.shape.open(this.frame, { src, width, height, labels: this.labels }, drawn);
    for (const type of ["change", "select"]) this.editor.addEventListener(type, () => this.drawList());
    this.editor.addEventListener("change", () => this.editor.complete && this.hush()); // no label is asked for any longer
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

  /** @returns {object[] | null} fractions of the image; null and a sentence when something is not finished */
  result() {
    const all = this.shape.items(this.editor);
    const nameless = all.find((one) => one.label === null);
    if (nameless) {
      this.editor.select(nameless.id);
      this.say(`One ${this.shape.name} has no label yet: press its digit.`);
    } else if (!this.editor.complete) this.say("Close the outline first, or undo its corners.");
    else return all.map((one) => this.shape.sent(one, this.editor));
    return null;
  }

  drawList() {
    if (!this.editor) return;
    const active = this.list.contains(document.activeElement) ? document.activeElement.dataset.field : null;
    this.list.replaceChildren(
      h("h2", { class: "big" }, this.shape.title),
      h("p", { class: "hint" }, this.shape.hint),
      this.labelButtons(),
      h("ul", { class: "rv-list" }, ...this.shape.items(this.editor).map((one, at) => this.row(one, at))),
      this.flagButtons(),
    );
    if (active) this.list.querySelector(`[data-field="${active}"]`)?.focus();
  }

  labelButtons() {
    const chosen = this.editor.current?.label ?? this.editor.brush;
    const buttons = this.labels.map((label, at) => {
      const looks = { class: `btn label is-${label.colour || "blue"}`, "aria-pressed": String(label.name === chosen) };
      const button = this.button(`label-${at}`, looks, () => this.editor.setLabel(label.name));
      button.append(label.name, h("kbd", {}, String(at + 1)));
      return button;
    });
    return h("div", { class: "rv-labels", role: "group", "aria-label": "Label" }, ...buttons);
  }

  /** A button that is the same one after the list was drawn anew; a click with a mouse leaves the keys to the picture. */
  button(field, looks, run) {
    const button = h("button", { type: "button", "data-field": field, ...looks });
    button.addEventListener("click", (event) => {
      if (event.detail > 0) this.frame.focus({ preventScroll: true });
      run();
    });
    return button;
  }

  flagButtons() {
    const buttons = this.flags.map((flag, at) => {
      const button = h("button", { type: "button", class: "btn" }, flag.label, h("kbd", {}, `⇧ ${at + 1}`));
      button.addEventListener("click", () => this.whole(flag));
      return button;
    });
    return h("section", {}, h("h3", {}, "The whole image"), h("div", { class: "rv-labels" }, ...buttons));
  }

  row(one, at) {
    const chosen = one.id === this.editor.selected;
    const open = this.button(`row-${one.id}`, { class: "hd", "aria-pressed": String(chosen) }, () => this.editor.select(one.id));
    open.append(h("span", { class: "pill acc" }, String(at + 1)), this.shape.words(one));
    const row = h("li", { class: `rv-box ${chosen ? "sel" : ""}` }, open);
    if (chosen) row.append(this.numbers(one));
    return row;
  }

  /** Places in numbers: the way without dragging. */
  numbers(one) {
    const fields = this.shape.fields(this.editor).map(([side, words]) => {
      const input = h("input", { type: "number", class: "inp", min: "0", step: "1", "data-field": side });
      input.value = String(Math.round(this.shape.read(one, side, this.editor)));
      input.addEventListener("change", () => this.typed(one, side, Number(input.value)));
      return h("label", {}, h("span", {}, words), input);
    });
    return h("div", { class: "rv-numbers" }, ...fields);
  }

  typed(one, side, value) {
    if (Number.isFinite(value)) this.shape.write(this.editor, one, side, value);
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
