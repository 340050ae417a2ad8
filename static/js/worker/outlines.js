// Outlines by taps: corner after corner, the first one closes, a label, done.

import { OutlineEditor } from "../outline-editor.js";
import { Keys } from "../lib/keys.js";
import { Page } from "./page.js";
import { t } from "./words.js";

/** @type {OutlineEditor | null} */
let editor = null;
let flags = new Set();
const page = new Page({ onShow: show, onLeave: leave, isWhole });

function show(task, article) {
  const root = article.querySelector(".w-editor");
  const kept = page.answers.get(task.id) ?? { outlines: [], flags: [] };
  flags = new Set(kept.flags);
  const size = { width: task.width || 1600, height: task.height || 1200 };
  const outlines = kept.outlines.map(({ label, points }) => ({ label, points: points.map(([x, y]) => [x * size.width, y * size.height]) }));
  const alt = t("Photo to outline. Tap corner after corner; the first one closes the outline.");
  editor = new OutlineEditor(root, { src: root.dataset.src, ...size, labels: page.start.labels, outlines, alt, words: t });
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
  if (editor.outlines.length || editor.open.length) flags.clear();
  store();
}

/** What is closed is kept, labelled or not; corners of an open outline are not an answer yet, nor one being pulled. */
function store() {
  if (!page.task || editor.pulling) return;
  const now = payload();
  if (JSON.stringify(page.answers.get(page.task.id)) !== JSON.stringify(now)) page.keep(page.task, now);
}

function payload() {
  const { width, height } = editor;
  const outlines = editor.outlines.map(({ label, points }) => ({ label, points: points.map(([x, y]) => [share(x, width), share(y, height)]) }));
  return { outlines, flags: [...flags] };
}

function draw(article) {
  const chosen = editor.current ? editor.current.label : editor.brush;
  press(article, "[data-label]", (button) => button.dataset.label === chosen);
  press(article, "[data-flag]", (button) => flags.has(button.dataset.flag));
  article.querySelector("[data-do=remove]").hidden = !editor.current;
  for (const name of ["zoom", "close"]) article.querySelector(`[data-do=${name}]`).hidden = Boolean(editor.current);
  article.querySelector("[data-do=close]").disabled = editor.open.length < 3;
  article.querySelector("[data-do=done]").disabled = !isComplete();
}

function press(article, selector, isOn) {
  for (const button of article.querySelectorAll(selector)) button.setAttribute("aria-pressed", String(isOn(button)));
}

function isWhole({ outlines, flags: said }) {
  return said.length > 0 || (outlines.length > 0 && outlines.every((one) => one.label !== null));
}

/** A hundred thousandth of the picture is finer than anybody's hand, and keeps long outlines short. */
const share = (value, whole) => Math.round((value / whole) * 1e5) / 1e5;

const isComplete = () => editor.complete && isWhole(payload());

function say(text) {
  page.article(page.task).querySelector("[data-say]").textContent = text;
}

const acts = {
  undo: () => editor.undo() || say(t("There is nothing to undo.")),
  zoom: () => (editor.view.fitted ? editor.view.zoom(2) : editor.view.fit()),
  close: () => editor.closeOutline(),
  remove: () => editor.deleteSelected(),
  done() {
    if (editor.open.length) return say(t("Close the outline first, or undo its corners."));
    if (!isComplete()) return say(t("Every outline needs a label."));
    store();
    if (page.tasks.length === 1) return page.submit();
    return page.go(page.current + 1);
  },
};

/** A label ends the work on an outline: the next tap sets the first corner of another one. */
function label(name) {
  const named = editor.current !== null;
  editor.setLabel(name);
  if (named) editor.select(null);
  const words = page.start.labels.find((one) => one.name === name)?.words ?? name;
  say(named ? t("Done, or outline the next one.") : t("The next outlines are “{label}”.", { label: words }));
}

/** "Nothing there" is an answer of its own: outlines and flag exclude each other. */
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

const open = () => editor !== null;
const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const key = (id, code, does, run, more = {}) => ({ id, code, does, run, when: open, ...more });
const push = (dx, dy, far) => (editor.cursor ? editor.moveCursor(dx * far * 5, dy * far * 5) : editor.nudge(dx * far, dy * far));
new Keys("outlines", [
  key("draw", "KeyN", "draw an outline: clicks, or arrows and Enter", () => editor.startDrawing()),
  key("close", "KeyC", "close the outline", () => acts.close()),
  key("delete", "Delete", "remove the corner held, else the outline", () => acts.remove()),
  key("backspace", "Backspace", "remove the outline", () => acts.remove(), { quiet: true }),
  key("next", "BracketRight", "next outline", () => editor.next(1)),
  key("before", "BracketLeft", "the outline before", () => editor.next(-1)),
  key("undo", "KeyZ", "undo inside the image", () => editor.undo(), { mod: true, shift: false }),
  key("redo", "KeyZ", "do it again", () => editor.redo(), { mod: true, shift: true }),
  key("zoom-in", "Equal", "larger", () => editor.view.zoom(1.25)),
  key("zoom-out", "Minus", "smaller", () => editor.view.zoom(0.8)),
  key("fit", "Digit0", "the whole picture", () => editor.view.fit()),
  key("enter", "Enter", "set a corner, else save and go on", () => (editor.cursor ? editor.addCorner([...editor.cursor]) : acts.done())),
  key("escape", "Escape", "drop the mark, let go of the corner, select nothing", () => editor.dropMark()),
  key("pan", "Space", "hold and drag to pan", () => (editor.panning = true), {
    up: () => editor && (editor.panning = false),
    when: (event) => open() && !event.target.closest?.("button"),
  }),
  key("corner", "KeyV", "hold the next corner of the selected outline, with Shift the one before", (event) => editor.holdCorner(event.shiftKey ? -1 : 1), {
    when: () => open() && editor.current !== null,
  }),
  ...Object.entries(arrows).map(([code, [dx, dy]], at) =>
    key(`move-${code}`, code, "arrows: move the mark by 5 pixels or the corner held by 1, with Shift ten times as far", (event) => push(dx, dy, event.shiftKey ? 10 : 1), {
      quiet: at > 0,
      when: () => open() && (editor.cursor !== null || editor.held !== null),
    }),
  ),
  ...Array.from({ length: 9 }, (_, at) =>
    key(`label-${at + 1}`, `Digit${at + 1}`, "1 … 9: label of the outline", () => label(editor.labels[at].name), {
      quiet: at > 0,
      when: () => open() && editor.labels[at] !== undefined,
    }),
  ),
]);
page.open();
