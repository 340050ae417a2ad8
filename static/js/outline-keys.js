// The keys of the outline editor: one table for the handlers and for the help sheet.

import { onControl } from "./lib/keys.js";

/**
 * @param {() => import("./outline-editor.js").OutlineEditor | null} editor the one in use, or none
 * @param {{label: (name: string) => void, save?: () => void, leave?: () => void}} around what a digit does, and what
 *   Enter and Esc do when nothing is being drawn
 * @returns {import("./lib/keys.js").Key[]}
 */
export function outlineKeys(editor, { label, save, leave }) {
  const open = () => editor() !== null;
  const free = () => open() && !onControl();
  const chosen = () => open() && editor().current !== null;
  const held = () => open() && editor().held !== null;
  const key = (id, code, does, run, more = {}) => ({ id, code, does, run, when: open, ...more });
  return [
    key("draw", "KeyN", "draw an outline: clicks, or arrows and Enter", () => editor().startDrawing()),
    key("close", "KeyC", "close the outline", () => editor().closeOutline()),
    key("delete", "Delete", "remove the corner held, else the outline", () => editor().deleteSelected()),
    key("backspace", "Backspace", "remove the outline", () => editor().deleteSelected(), { quiet: true }),
    key("next", "BracketRight", "next outline", () => editor().next(1)),
    key("before", "BracketLeft", "the outline before", () => editor().next(-1)),
    key("undo", "KeyZ", "undo inside the image", () => editor().undo(), { mod: true, shift: false }),
    key("redo", "KeyZ", "do it again", () => editor().redo(), { mod: true, shift: true }),
    key("zoom-in", "Equal", "larger", () => editor().view.zoom(1.25)),
    key("zoom-out", "Minus", "smaller", () => editor().view.zoom(0.8)),
    key("fit", "Digit0", "the whole picture", () => editor().view.fit()),
    key("enter", "Enter", "set a corner, else save and go on", () => (editor().cursor ? editor().addCorner([...editor().cursor]) : save?.()), { when: free }),
    key("escape", "Escape", "drop the mark, let go of the corner, else select nothing or leave", () => escape(editor(), leave)),
    key("pan", "Space", "hold and drag to pan", () => (editor().panning = true), {
      up: () => open() && (editor().panning = false),
      when: free,
    }),
    key("corner", "KeyV", "hold the next corner of the selected outline, with Shift the one before", (event) => editor().holdCorner(event.shiftKey ? -1 : 1), { when: chosen }),
    key("insert", "KeyI", "add a corner after the one held", () => editor().splitEdge(editor().held), { when: held }),
    ...arrows(editor, () => held() || (open() && editor().cursor !== null)),
    ...Array.from({ length: 9 }, (_, at) =>
      key(`label-${at + 1}`, `Digit${at + 1}`, "1 … 9: label of the outline", () => label(editor().labels[at].name), {
        quiet: at > 0,
        when: () => open() && editor().labels[at] !== undefined,
      }),
    ),
  ];
}

function arrows(editor, when) {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  return Object.entries(ways).map(([code, [dx, dy]], at) => ({
    id: `move-${code}`,
    code,
    does: "arrows: move the mark by 5 pixels or the corner held by 1, with Shift ten times as far",
    quiet: at > 0,
    when,
    run: (event) => push(editor(), dx, dy, event.shiftKey ? 10 : 1),
  }));
}

function push(editor, dx, dy, far) {
  if (editor.cursor) editor.moveCursor(dx * far * 5, dy * far * 5);
  else editor.nudge(dx * far, dy * far);
}

function escape(editor, leave) {
  if (editor.dropMark()) return;
  if (leave) leave();
  else editor.select(null);
}
