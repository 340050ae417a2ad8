// SVG nodes. Geometry goes in as attributes, which the content security policy allows.

const NS = "http://www.w3.org/2000/svg";

/** @param {string} name @param {Record<string, string | number>} [attributes] @param {...Node} children */
export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

/** Give a <rect> the place of a box. */
export function place(rect, { x, y, w, h }) {
  rect.setAttribute("x", x);
  rect.setAttribute("y", y);
  rect.setAttribute("width", w);
  rect.setAttribute("height", h);
}

/** A rectangle whose line keeps its width at every zoom. */
export function outline(box, className) {
  const rect = svg("rect", { class: className, "vector-effect": "non-scaling-stroke", rx: 2 });
  if (box) place(rect, box);
  return rect;
}
