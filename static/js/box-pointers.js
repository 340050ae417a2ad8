// What a mouse, a pen or fingers do to a box editor: draw, move, pull a handle, pan, pinch.

import { between, moved, pulled } from "./lib/geometry.js";
import { pinch } from "./lib/viewport.js";

const LEAST = 2;
const TAP = 5;

/** @param {import("./box-editor.js").BoxEditor} editor */
export function followPointers(editor) {
  const { root, view, width, height } = editor;
  /** @type {Map<number, PointerEvent>} */
  const pointers = new Map();
  let act = null;

  const moves = {
    pan: (event, before) => view.pan(event.clientX - before.clientX, event.clientY - before.clientY),
    pinch(event, before) {
      const other = [...pointers.values()].find((one) => one.pointerId !== event.pointerId);
      if (other) pinch(view, event, before, other);
    },
    move(event) {
      const [x, y] = view.toImage(event);
      editor.put(act.before.id, moved(act.before, x - act.from[0], y - act.from[1], width, height));
    },
    pull(event) {
      const rect = pulled(act.before, act.grip, view.toImage(event), width, height);
      if (rect.w >= LEAST && rect.h >= LEAST) editor.put(act.before.id, { ...act.before, ...rect });
    },
    draw(event) {
      act.far ||= Math.hypot(event.clientX - act.at.clientX, event.clientY - act.at.clientY) > TAP;
      if (act.far) editor.preview(act.from, view.toImage(event));
    },
  };

  function begin(event) {
    if (event.button === 1 || editor.panning) return { kind: "pan" };
    const from = view.toImage(event), grip = event.target.dataset?.grip;
    const id = Number(event.target.closest?.("[data-box]")?.dataset.box);
    if (!editor.corner && grip !== undefined) return { kind: "pull", grip: Number(grip), before: editor.current };
    if (!editor.corner && id && !event.shiftKey) {
      editor.select(id);
      return { kind: "move", from, before: editor.current };
    }
    return { kind: "draw", from, at: event, far: false };
  }

  /** A second finger ends what the first began. */
  function drop() {
    if (act?.before) editor.put(act.before.id, act.before);
    editor.hide(editor.draft);
    act = null;
  }

  function down(event) {
    if (event.button > 1) return;
    root.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    if (pointers.size === 2) {
      drop();
      act = { kind: "pinch" };
    } else act = begin(event);
  }

  function move(event) {
    const before = pointers.get(event.pointerId);
    if (before) {
      if (act) moves[act.kind](event, before);
      pointers.set(event.pointerId, event);
    } else if (editor.corner && !editor.cursor) editor.preview(editor.corner, view.toImage(event));
  }

  function up(event) {
    pointers.delete(event.pointerId);
    if (pointers.size) return;
    const ended = act;
    act = null;
    if (ended?.kind === "draw") endDraw(ended, view.toImage(event));
    else if (ended?.before) endChange(ended.before);
  }

  function endDraw({ from, far }, to) {
    editor.hide(editor.draft);
    if (!far) return editor.setCorner(from);
    editor.dropCorner();
    return editor.add(between(from, to, width, height));
  }

  /** A finished drag is one step of undo. */
  function endChange(before) {
    const after = editor.current;
    if (after && ["x", "y", "w", "h"].some((side) => after[side] !== before[side])) {
      editor.change(after.id, after, "", before);
    }
  }

  function cancel(event) {
    pointers.delete(event.pointerId);
    drop();
  }

  function wheel(event) {
    event.preventDefault();
    view.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.clientX, event.clientY);
  }

  const stops = new AbortController();
  const on = (type, run, more = {}) => root.addEventListener(type, run, { signal: stops.signal, ...more });
  on("pointerdown", down);
  on("pointermove", move);
  on("pointerup", up);
  on("pointercancel", cancel);
  on("wheel", wheel, { passive: false });
  editor.stopPointers = () => stops.abort();
}
