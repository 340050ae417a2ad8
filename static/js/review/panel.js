// The right-hand panel: how the result came about, box by box and person by person. It is the readable form of the
// picture's boxes.

import { h, s } from "../lib/dom.js";
import { look, SHAKY } from "./findings.js";

const STEPS = [["hard", "Hard"], ["soft", "Soft"], ["drop", "Drop"]];

/** @param {HTMLElement} root @param {object} item @param {object} found @param {() => void} toggleTrace */
export function drawPanel(root, item, found, toggleTrace) {
  const open = root.querySelector(".rv-trace")?.open ?? false;
  root.replaceChildren(verdict(item, open, toggleTrace), ...boxes(found), ...annotators(item));
}

function verdict(item, open, toggleTrace) {
  const trace = h("details", { class: "rv-trace" }, h("summary", {}, "Trace ", h("kbd", {}, "T")));
  trace.append(h("ol", {}, ...item.trace.map((line) => h("li", {}, line))));
  trace.open = open;
  trace.addEventListener("toggle", toggleTrace);
  return h(
    "section",
    { class: "rv-verdict" },
    h("h2", { class: "big" }, item.headline),
    ...(STEPS.some(([status]) => status === item.status) ? [steps(item.status)] : []),
    h("p", { class: "hint" }, item.why),
    ...(item.trace.length ? [trace] : []),
  );
}

/** Hard came first, soft after it, drop at the end: what was passed over is struck out. */
function steps(status) {
  const at = STEPS.findIndex(([one]) => one === status);
  const cells = STEPS.map(([one, word], n) => {
    const state = n < at ? "passed" : n === at ? `on ${one}` : "";
    return h("li", { class: state, ...(n === at ? { "aria-current": "step" } : {}) }, word);
  });
  return h("ol", { class: "rv-steps", "aria-label": "Method" }, ...cells);
}

function boxes({ rows }) {
  if (!rows.length) return [];
  const cards = rows.map((row, at) => {
    const head = h(
      "div",
      { class: "hd" },
      h("span", { class: "pill acc" }, String(at + 1)),
      h("span", {}, row.label),
      h("span", { class: `x num ${tone(row.lowest)}` }, row.lowest === null ? "–" : row.lowest.toFixed(2)),
    );
    return h("li", { class: "rv-box" }, head, h("ul", { class: "rv-ious num" }, ...row.ious.map(iouRow)));
  });
  return [h("section", {}, heading("Boxes", "lowest IoU decides"), h("ul", { class: "rv-list" }, ...cards))];
}

function iouRow({ letter, used, iou }) {
  const bar = s("svg", { class: "rv-bar", "aria-hidden": "true" }, s("rect", { width: "100%", height: 6, rx: 3, class: "track" }));
  if (iou !== null) bar.append(s("rect", { width: `${iou * 100}%`, height: 6, rx: 3, class: used ? tone(iou) : "off" }));
  const text = iou === null ? "none" : iou.toFixed(2);
  return h("li", {}, chip(letter), bar, h("span", { class: used ? "n" : "n off" }, text));
}

const tone = (value) => (value !== null && value < SHAKY ? "warn" : "ok");

function annotators(item) {
  if (!item.variants.length) return [];
  const used = item.variants.filter((one) => one.used).length;
  const rows = item.variants.map((one, at) => {
    const line = s("svg", { class: "rv-line", viewBox: "0 0 34 8", "aria-hidden": "true" });
    line.append(s("path", { d: "M1 4h32", class: `an ${look(one.letter)}` }));
    const said = [one.label, ...one.flags].filter(Boolean).join(", ").replaceAll("_", " ");
    return h(
      "li",
      { class: one.used ? "" : "off" },
      chip(one.letter),
      line,
      h("span", { class: "mono" }, one.worker),
      h("span", { class: "num said" }, said || (one.skill === null ? "" : `skill ${one.skill}`)),
      ...(at < 9 ? [h("kbd", {}, String(at + 1))] : []),
    );
  });
  const note = `${used} of ${item.variants.length} used`;
  return [h("section", {}, heading("Annotators", note), h("ul", { class: "rv-people" }, ...rows))];
}

const heading = (text, note) => h("h3", {}, text, h("span", { class: "x" }, note));
const chip = (letter) => h("span", { class: `letter ${look(letter)}` }, letter);
