/**
 * The project's first page: draws the chart, again whenever its part of the page was fetched anew.
 */
import { burnUp } from "./lib/charts.js";
import { dataOf } from "./lib/dom.js";

function draw() {
  const box = document.querySelector("[data-chart]");
  if (!box || box.firstChild) return;
  const data = dataOf(box.dataset.chart);
  if (data && data.t.length > 1) box.append(burnUp(data, { published: box.dataset.published, spent: box.dataset.spent }));
}

draw();
document.addEventListener("htmx:load", draw);
