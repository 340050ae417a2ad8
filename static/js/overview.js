/**
 * The project's first page: draws the chart, again whenever its part of the page was fetched anew or its width changed.
 */
import { burnUp } from "./lib/charts.js";
import { dataOf } from "./lib/dom.js";

const NOTICEABLE = 24;

function draw() {
  const box = document.querySelector("[data-chart]");
  if (!box || Math.abs(Number(box.dataset.drawn || 0) - box.clientWidth) < NOTICEABLE) return;
  const data = dataOf(box.dataset.chart);
  if (!data || data.t.length < 2) return;
  box.dataset.drawn = String(box.clientWidth);
  box.replaceChildren(burnUp(data, { published: box.dataset.published, spent: box.dataset.spent }, box.clientWidth));
}

draw();
document.addEventListener("htmx:load", draw);
window.addEventListener("resize", draw);
