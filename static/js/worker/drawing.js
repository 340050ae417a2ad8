// A page on which things are drawn: labels, flags, what is kept and when a picture is done. What is drawn, boxes or
// outlines, and with which editor, its page says.

import { Keys } from "../lib/keys.js";
import { Page } from "./page.js";
import { t } from "./words.js";

/**
 * A page gives: `shape`, its key in the answer; `draws(root, options, kept)`, an editor; `drawn()`, the answer's part;
 * `hasBegun()`; `lacks()`, the sentence that says what is missing; `keys()`.
 */
export class Drawing {
  begin() {
    Object.assign(this, { editor: null, flags: new Set() });
    this.page = new Page({
      onShow: (task, article) => this.show(task, article),
      onLeave: () => this.leave(),
      isWhole: (answer) => this.isWhole(answer),
    });
    document.addEventListener("click", (event) => this.clicked(event));
    new Keys(this.shape, this.keys());
    this.page.open();
  }

  show(task, article) {
    const root = article.querySelector(".w-editor");
    const kept = this.page.answers.get(task.id) ?? { [this.shape]: [], flags: [] };
    this.flags = new Set(kept.flags);
    const size = { width: task.width || 1600, height: task.height || 1200 };
    this.editor = this.draws(root, { src: root.dataset.src, ...size, labels: this.page.start.labels, words: t }, kept[this.shape]);
    this.editor.addEventListener("change", () => this.changed());
    this.editor.addEventListener("select", () => this.draw());
    this.editor.addEventListener("say", ({ detail }) => this.say(t(detail)));
    this.draw();
  }

  leave() {
    this.editor?.close();
    this.editor = null;
  }

  get article() {
    return this.page.article(this.page.task);
  }

  changed() {
    if (this.hasBegun()) this.flags.clear();
    this.store();
    this.draw();
  }

  /** What is not finished is kept as well: a lost page costs nothing. */
  store() {
    if (!this.page.task || this.editor.pulling) return;
    const now = this.answer();
    if (JSON.stringify(this.page.answers.get(this.page.task.id)) !== JSON.stringify(now)) this.page.keep(this.page.task, now);
  }

  answer() {
    return { [this.shape]: this.drawn(), flags: [...this.flags] };
  }

  draw() {
    const chosen = this.editor.current ? this.editor.current.label : this.editor.brush;
    this.press("[data-label]", (button) => button.dataset.label === chosen);
    this.press("[data-flag]", (button) => this.flags.has(button.dataset.flag));
    this.button("remove").hidden = !this.editor.current;
    this.button("zoom").hidden = Boolean(this.editor.current);
    this.button("done").disabled = !this.isComplete();
  }

  button(name) {
    return this.article.querySelector(`[data-do=${name}]`);
  }

  press(selector, isOn) {
    for (const button of this.article.querySelectorAll(selector)) button.setAttribute("aria-pressed", String(isOn(button)));
  }

  isWhole({ [this.shape]: drawn, flags }) {
    return flags.length > 0 || (drawn.length > 0 && drawn.every((one) => one.label !== null));
  }

  isComplete() {
    return this.editor.complete && this.isWhole(this.answer());
  }

  say(text) {
    this.article.querySelector("[data-say]").textContent = text;
  }

  clicked(event) {
    const button = event.target.closest("button");
    if (!button || !this.editor) return;
    if (button.dataset.label) this.label(button.dataset.label);
    else if (button.dataset.flag) this.flag(button.dataset.flag);
    else if (button.dataset.do) this[button.dataset.do]();
    if (event.detail > 0) button.blur(); // a click leaves the keys to the picture
  }

  // --- what buttons and keys do ----------------------------------------------------------------------------------
  undo() {
    if (!this.editor.undo()) this.say(t("There is nothing to undo."));
  }

  zoom() {
    if (this.editor.view.fitted) this.editor.view.zoom(2);
    else this.editor.view.fit();
  }

  remove() {
    this.editor.deleteSelected();
  }

  done() {
    if (!this.isComplete()) return this.say(this.lacks());
    this.store();
    return this.page.tasks.length === 1 ? this.page.submit() : this.page.go(this.page.current + 1);
  }

  wordsOf(name) {
    return this.page.start.labels.find((one) => one.name === name)?.words ?? name;
  }

  /** "Nothing there" is an answer of its own: what is drawn and a flag exclude each other. */
  flag(value) {
    const on = !this.flags.has(value);
    this.editor.clear();
    this.flags = new Set(on ? [value] : []);
    this.store();
    this.draw();
  }
}
