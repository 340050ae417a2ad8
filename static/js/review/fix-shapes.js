// What a reviewer fixes: boxes in the box editor, or outlines in that of the workers. Each tells how to begin, what is
// sent in the end, and which numbers stand for a drag.

import { BoxEditor } from "../box-editor.js";
import { clamp, cornersToFractions, cornersToPixels, toFractions } from "../lib/geometry.js";
import { OutlineEditor } from "../outline-editor.js";

/** Which of the two an image asks for. @param {{points: number[][]}[]} drawn @param {boolean} usual what the crowd draws */
export const shapeOf = (drawn, usual) => (usual || drawn.some(({ points }) => points?.length) ? OUTLINES : BOXES);

const BOXES = {
  name: "box",
  title: "Fix the boxes",
  hint: "Drag, or set two corners. Digits name the selected box.",
  draw: "Draw a box",
  open: (frame, given, drawn) =>
    new BoxEditor(frame, {
      ...given,
      boxes: drawn.map(({ box, label }) => ({ ...box, label })),
      alt: "Boxes of this photo. N draws one, Tab selects, arrows move, digits set the label.",
    }),
  items: (editor) => editor.boxes,
  sent: (box, { width, height }) => ({ label: box.label, ...toFractions(box, width, height) }),
  words: (box) => box.label ?? "no label",
  fields: () => [["x", "from left"], ["y", "from top"], ["w", "width"], ["h", "height"]],
  read: (box, side) => box[side],
  write(editor, box, side, value) {
    const { width, height } = editor;
    const most = { x: width - box.w, y: height - box.h, w: width - box.x, h: height - box.y }[side];
    editor.change(box.id, { ...box, [side]: clamp(value, side === "w" || side === "h" ? 2 : 0, most) });
  },
};

const OUTLINES = {
  name: "outline",
  title: "Fix the outlines",
  hint: "Pull a corner, or the middle of an edge for a new one. A click chooses a corner: arrows move it, Del removes it.",
  draw: "Draw an outline",
  open: (frame, given, drawn) =>
    new OutlineEditor(frame, {
      ...given,
      outlines: drawn.map(({ box, label, points }) =>
        points?.length ? { label, points: cornersToPixels(points, given.width, given.height) } : { label, points: cornersOf(box), wasBox: true },
      ),
      alt: "Outlines of this photo. N draws one, brackets select, V holds a corner, arrows move it, digits set the label.",
    }),
  items: (editor) => editor.outlines,
  sent: ({ label, points, wasBox }, { width, height }) =>
    wasBox && isBox(points) ? { label, ...toFractions(boxAround(points), width, height) } : { label, points: cornersToFractions(points, width, height) },
  words: ({ label, points }) => `${label ?? "no label"}, ${points.length} corners`,
  fields: (editor) => (editor.held === null ? [] : [["0", "from left"], ["1", "from top"]]),
  read: ({ points }, axis, { held }) => points[held][axis],
  write(editor, { points }, axis, value) {
    const moved = points[editor.held].map((old, at) => (at === Number(axis) ? value : old));
    editor.moveCorner(editor.held, moved);
  },
};

/** A box among outlines is one of four corners, and a box again where they stay as they are. */
const cornersOf = ({ x, y, w, h }) => [[x, y], [x + w, y], [x + w, y + h], [x, y + h]];

const isBox = (points) => points.length === 4 && cornersOf(boxAround(points)).every(([x, y], at) => Math.hypot(x - points[at][0], y - points[at][1]) < 0.01);

function boxAround(points) {
  const xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
  const x = Math.min(...xs), y = Math.min(...ys);
  return { x, y, w: Math.max(...xs) - x, h: Math.max(...ys) - y };
}
