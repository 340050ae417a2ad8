// The keys of the box editor: one table for the handlers and for the help sheet.

import { onControl } from "./lib/keys.js";

/**
 * @param {() => import("./box-editor.js").BoxEditor | null} editor the one in use, or none
 * @param {{save?: () => void, leave?: () => void}} [around] what Enter and Esc do when nothing is being drawn
 * @returns {import("./lib/keys.js").Key[]}
 */
export function editorKeys(editor, { save, leave } = {}) {
  const open = () => editor() !== null;
  const free = () => open() && !onControl();
  const key = (id, code, does, run, more = {}) => ({ id, code, does, run, when: open, ...more });
  return [
    key("draw", "KeyN", "draw a box: two clicks, or arrows and Enter", () => editor().startDrawing()),
    key("delete", "Delete", "remove the box", () => editor().deleteSelected()),
    key("backspace", "Backspace", "remove the box", () => editor().deleteSelected(), { quiet: true }),
    key("next-box", "Tab", "next box, with Shift the one before", (event) => editor().step(event.shiftKey ? -1 : 1), {
      when: (event) => open() && !leaves(editor(), event.shiftKey),
    }),
    key("undo-box", "KeyZ", "undo inside the image", () => editor().undo(), { mod: true, shift: false }),
    key("redo-box", "KeyZ", "do it again", () => editor().redo(), { mod: true, shift: true }),
    key("zoom-in", "Equal", "larger", () => editor().view.zoom(1.25)),
    key("zoom-out", "Minus", "smaller", () => editor().view.zoom(0.8)),
    key("fit", "Digit0", "the whole picture", () => editor().view.fit()),
    ...arrows(editor, open),
    ...digits(editor, open),
    key("enter", "Enter", "set a corner, else save and go on", () => enter(editor(), save), { when: free }),
    key("escape", "Escape", "drop the corner, else leave without saving", () => escape(editor(), leave)),
    key("pan", "Space", "hold and drag to pan", () => (editor().panning = true), {
      up: () => open() && (editor().panning = false),
      when: free,
    }),
  ];
}

/** After the last box, and without any, Tab leaves the picture: nobody is trapped. */
const leaves = (editor, back) => editor.order.length === 0 || editor.order.at(back ? 0 : -1) === editor.selected;

function arrows(editor, open) {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  return Object.entries(ways).flatMap(([code, [dx, dy]], at) =>
    [false, true].map((alt) => ({
      id: `${alt ? "stretch" : "move"}-${code}`,
      code,
      alt,
      does: alt ? "Alt+arrows: resize, with Shift by 10" : "arrows: move by 1 pixel, with Shift by 10",
      quiet: at > 0,
      when: () => open() && (editor().cursor !== null || editor().current !== null),
      run: (event) => push(editor(), dx, dy, event.shiftKey ? 10 : 1, alt),
    })),
  );
}

function push(editor, dx, dy, far, stretch) {
  if (editor.cursor) editor.moveCursor(dx * far * 5, dy * far * 5);
  else editor.nudge(dx * far, dy * far, stretch);
}

function digits(editor, open) {
  return Array.from({ length: 9 }, (_, at) => ({
    id: `label-${at + 1}`,
    code: `Digit${at + 1}`,
    does: "1 … 9: label of the box",
    quiet: at > 0,
    when: () => open() && editor().labels[at] !== undefined,
    run: () => editor().setLabel(editor().labels[at].name),
  }));
}

function enter(editor, save) {
  if (editor.cursor) editor.setCorner([...editor.cursor]);
  else save?.();
}

function escape(editor, leave) {
  if (editor.corner || editor.cursor) editor.dropCorner();
  else leave?.();
}
