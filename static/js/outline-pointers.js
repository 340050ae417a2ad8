// What a mouse, a pen or fingers do to an outline editor: set corners, pull them, pull new ones out of edges, pan, pinch.

import { pinch } from "./lib/viewport.js";

const LEAST = 3;
const TAP = 6;

/** @param {import("./outline-editor.js").OutlineEditor} editor */
export function followPointers(editor) {
  const { root, view } = editor;
  /** @type {Map<number, PointerEvent>} */
  const pointers = new Map();
  let act = null;

  function begin(event) {
    if (event.button === 1 || editor.panning) return { kind: "pan" };
    const { corner, edge } = event.target.dataset ?? {};
    const id = Number(event.target.closest?.("[data-outline]")?.dataset.outline);
    return { kind: "tap", at: event, corner, edge, id, far: false, key: `corner-${corner}-${edge}-${event.timeStamp}` };
  }

  function follow(event, before) {
    const other = [...pointers.values()].find((one) => one.pointerId !== event.pointerId);
    if (act.kind === "pinch") return other && pinch(view, event, before, other);
    if (act.kind === "pan") return view.pan(event.clientX - before.clientX, event.clientY - before.clientY);
    act.far ||= Math.hypot(event.clientX - act.at.clientX, event.clientY - act.at.clientY) > TAP;
    return act.far && (act.corner ?? act.edge) !== undefined ? pull(event) : undefined;
  }

  /** A corner follows the pointer; an edge gives a new one first, in the same step of undo. */
  function pull(event) {
    editor.pulling = true;
    if (act.corner === undefined) {
      editor.splitEdge(Number(act.edge), act.key);
      act.corner = Number(act.edge) + 1;
    }
    editor.moveCorner(Number(act.corner), view.toImage(event), act.key);
  }

  /** A corner that was pulled has come to rest. */
  function letGo() {
    act = null;
    if (!editor.pulling) return;
    editor.pulling = false;
    editor.tell("change");
  }

  function tapped(event, { corner, edge, id }) {
    if (editor.open.length) return corner === "0" && editor.open.length >= LEAST ? editor.closeOutline() : editor.addCorner(view.toImage(event));
    if (edge !== undefined) return editor.splitEdge(Number(edge));
    if (corner !== undefined) return editor.hold(Number(corner));
    if (id) return editor.select(id);
    return editor.current ? editor.select(null) : editor.addCorner(view.toImage(event));
  }

  const on = (type, run, more = {}) => root.addEventListener(type, run, { signal: editor.stops.signal, ...more });
  on("pointerdown", (event) => {
    if (event.button > 1) return;
    root.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    act = pointers.size === 2 ? { kind: "pinch" } : begin(event);
  });
  on("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before || !act) return;
    follow(event, before);
    pointers.set(event.pointerId, event);
  });
  on("pointerup", (event) => {
    pointers.delete(event.pointerId);
    if (pointers.size) return;
    if (act?.kind === "tap" && !act.far) tapped(event, act);
    letGo();
  });
  on("pointercancel", (event) => {
    pointers.delete(event.pointerId);
    letGo();
  });
  on("wheel", (event) => {
    event.preventDefault();
    view.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.clientX, event.clientY);
  }, { passive: false });
}
