// Rectangles on pictures. Geometry goes in as attributes, which the content security policy allows.

import { s } from "./dom.js";

/** Give a <rect> the place of a box. */
export function place(rect, { x, y, w, h }) {
  rect.setAttribute("x", x);
  rect.setAttribute("y", y);
  rect.setAttribute("width", w);
  rect.setAttribute("height", h);
}

/** The line around what was drawn: through its corners (fractions of a picture so large), or its box. */
export function drawn(box, corners, width, height, className) {
  if (!corners?.length) return outline(box, className);
  const points = corners.map(([x, y]) => `${x * width},${y * height}`).join(" ");
  return s("polygon", { class: className, "vector-effect": "non-scaling-stroke", points });
}

/** A rectangle whose line keeps its width at every zoom. */
export function outline(box, className) {
  const rect = s("rect", { class: className, "vector-effect": "non-scaling-stroke", rx: 2 });
  if (box) place(rect, box);
  return rect;
}
