// Boxes by taps: two corners, a label, done. The same editor as in review.

import { BoxEditor } from "../box-editor.js";
import { editorKeys } from "../editor-keys.js";
import { toFractions, toPixels } from "../lib/geometry.js";
import { Keys } from "../lib/keys.js";
import { Page } from "./page.js";
import { t } from "./words.js";

/** @type {BoxEditor | null} */
let editor = null;
let flags = new Set();
const page = new Page({ onShow: show, onLeave: leave, isWhole });

function show(task, article) {
  const root = article.querySelector(".w-editor");
  const kept = page.answers.get(task.id) ?? { boxes: [], flags: [] };
  flags = new Set(kept.flags);
  const size = { width: task.width || 1600, height: task.height || 1200 };
  editor = new BoxEditor(root, {
    src: root.dataset.src,
    ...size,
    labels: page.start.labels,
    boxes: kept.boxes.map((box) => ({ label: box.label, ...toPixels([box.x, box.y, box.w, box.h], size.width, size.height) })),
    alt: t("Photo to box. Two taps draw a box."),
    words: t,
  });
  editor.addEventListener("change", changed);
  editor.addEventListener("select", () => draw(article));
  editor.addEventListener("say", ({ detail }) => say(t(detail)));
  draw(article);
}

function leave() {
  editor?.close();
  editor = null;
}

function changed() {
  if (editor.boxes.length) flags.clear();
  store();
  draw(page.article(page.task));
}

/** Unfinished boxes are kept as well: a lost page costs nothing. */
function store() {
  if (page.task) page.keep(page.task, payload());
}

function payload() {
  const { width, height } = editor;
  const boxes = editor.boxes.map((box) => ({ label: box.label, ...toFractions(box, width, height) }));
  return { boxes, flags: [...flags] };
}

function draw(article) {
  const chosen = editor.current ? editor.current.label : editor.brush;
  press(article, "[data-label]", (button) => button.dataset.label === chosen);
  press(article, "[data-flag]", (button) => flags.has(button.dataset.flag));
  article.querySelector("[data-do=remove]").hidden = !editor.current;
  article.querySelector("[data-do=zoom]").hidden = Boolean(editor.current);
  article.querySelector("[data-do=done]").disabled = !isComplete();
}

function press(article, selector, isOn) {
  for (const button of article.querySelectorAll(selector)) button.setAttribute("aria-pressed", String(isOn(button)));
}

function isWhole({ boxes, flags: said }) {
  return said.length > 0 || (boxes.length > 0 && boxes.every((box) => box.label !== null));
}

const isComplete = () => isWhole(payload());

function say(text) {
  page.article(page.task).querySelector("[data-say]").textContent = text;
}

const acts = {
  undo: () => editor.undo() || say(t("There is nothing to undo.")),
  zoom: () => (editor.view.fitted ? editor.view.zoom(2) : editor.view.fit()),
  remove: () => editor.deleteSelected(),
  done() {
    if (!isComplete()) return say(t("Every box needs a label."));
    store();
    if (page.tasks.length === 1) return page.submit();
    return page.go(page.current + 1);
  },
};

function label(name) {
  editor.setLabel(name);
  say(editor.current ? t("Done when every box has a label.") : t("The next boxes are “{label}”.", { label: wordsOf(name) }));
}

const wordsOf = (name) => page.start.labels.find((one) => one.name === name)?.words ?? name;

/** "No hands" is an answer of its own: boxes and flag exclude each other. */
function flag(value) {
  const on = !flags.has(value);
  editor.clear();
  flags = new Set(on ? [value] : []);
  store();
  draw(page.article(page.task));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || !editor) return;
  if (button.dataset.label) label(button.dataset.label);
  else if (button.dataset.flag) flag(button.dataset.flag);
  else acts[button.dataset.do]?.();
});

new Keys("boxes", editorKeys(() => editor, { save: () => acts.done() }));
page.open();
