// Rectangles {x, y, w, h}, origin top left. Pure functions; the unit is whatever the caller uses.

/** @typedef {{x: number, y: number, w: number, h: number}} Rect */

/** Where the eight handles sit, as fractions of a box, clockwise from the top left corner. */
export const HANDLES = [[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1], [0.5, 1], [0, 1], [0, 0.5]];

export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** @returns {Rect} the box between two corners, cut at the image's edge */
export function between([ax, ay], [bx, by], width, height) {
  const left = clamp(Math.min(ax, bx), 0, width), right = clamp(Math.max(ax, bx), 0, width);
  const top = clamp(Math.min(ay, by), 0, height), bottom = clamp(Math.max(ay, by), 0, height);
  return { x: left, y: top, w: right - left, h: bottom - top };
}

/** @returns {Rect} the box moved, never over the edge */
export function moved(box, dx, dy, width, height) {
  return { ...box, x: clamp(box.x + dx, 0, width - box.w), y: clamp(box.y + dy, 0, height - box.h) };
}

/** @returns {Rect} the box with one handle pulled to a point; pulled over the other side, it turns round */
export function pulled(box, handle, [px, py], width, height) {
  const [fx, fy] = HANDLES[handle];
  const x0 = fx === 0 ? px : box.x, x1 = fx === 1 ? px : box.x + box.w;
  const y0 = fy === 0 ? py : box.y, y1 = fy === 1 ? py : box.y + box.h;
  return between([x0, y0], [x1, y1], width, height);
}

/** @returns {Rect} the box made larger or smaller at its lower right corner */
export function stretched(box, dx, dy, width, height, least) {
  return { ...box, w: clamp(box.w + dx, least, width - box.x), h: clamp(box.h + dy, least, height - box.y) };
}

/** The smallest box around some boxes, larger by a factor about its middle; null when there are none. @returns {Rect | null} */
export function around(boxes, room = 1) {
  if (!boxes.length) return null;
  const x = Math.min(...boxes.map((box) => box.x)), y = Math.min(...boxes.map((box) => box.y));
  const w = Math.max(...boxes.map((box) => box.x + box.w)) - x, h = Math.max(...boxes.map((box) => box.y + box.h)) - y;
  return { x: x - (w * (room - 1)) / 2, y: y - (h * (room - 1)) / 2, w: w * room, h: h * room };
}

/** Intersection over union, 0 … 1. */
export function iou(a, b) {
  const w = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x);
  const h = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y);
  const shared = Math.max(0, w) * Math.max(0, h);
  const whole = a.w * a.h + b.w * b.h - shared;
  return whole > 0 ? shared / whole : 0;
}

/** From [x, y, w, h] in fractions to pixels. @returns {Rect} */
export const toPixels = ([x, y, w, h], width, height) => ({ x: x * width, y: y * height, w: w * width, h: h * height });

/** From pixels to fractions. @returns {Rect} */
export const toFractions = (box, width, height) => ({
  x: box.x / width, y: box.y / height, w: box.w / width, h: box.h / height,
});

/** Corners in pixels from fractions of the picture. */
export const cornersToPixels = (points, width, height) => points.map(([x, y]) => [x * width, y * height]);

/** Corners as fractions: a hundred thousandth of the picture is finer than anybody's hand, and keeps long outlines short. */
export const cornersToFractions = (points, width, height) => points.map(([x, y]) => [share(x, width), share(y, height)]);

const share = (value, whole) => Math.round((value / whole) * 1e5) / 1e5;
