/**
 * Charts of the overview and of a pool: drawn again whenever their part of the page was fetched anew or its width changed.
 */
import { burnUp, lines } from "./lib/charts.js";
import { dataOf } from "./lib/dom.js";

const NOTICEABLE = 24;
const KINDS = {
  "burn-up": (data, box) => burnUp(data, { published: box.dataset.published, spent: box.dataset.spent }, box.clientWidth),
  lines: (data, box) => lines(data, box.dataset.says, box.clientWidth),
};

function draw() {
  for (const box of document.querySelectorAll("[data-chart]")) {
    if (Math.abs(Number(box.dataset.drawn || 0) - box.clientWidth) < NOTICEABLE) continue;
    const data = dataOf(box.dataset.chart);
    if (!data || data.t.length < 2) continue;
    box.dataset.drawn = String(box.clientWidth);
    box.replaceChildren(KINDS[box.dataset.kind](data, box));
  }
}

draw();
document.addEventListener("htmx:load", draw);
window.addEventListener("resize", draw);
