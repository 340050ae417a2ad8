// Rectangles on pictures. Geometry goes in as attributes, which the content security policy allows.

import { s } from "./dom.js";

/** Give a <rect> the place of a box. */
export function place(rect, { x, y, w, h }) {
  rect.setAttribute("x", x);
  rect.setAttribute("y", y);
  rect.setAttribute("width", w);
  rect.setAttribute("height", h);
}

/** A rectangle whose line keeps its width at every zoom. */
export function outline(box, className) {
  const rect = s("rect", { class: className, "vector-effect": "non-scaling-stroke", rx: 2 });
  if (box) place(rect, box);
  return rect;
}
