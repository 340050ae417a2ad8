// An answer in words: kept while it is being written, counted, taken with Done.

import { Page } from "./page.js";
import { number, t } from "./words.js";

const page = new Page({ onShow: show, isWhole: ({ text }) => text.trim() !== "" });
const field = (task) => page.article(task).querySelector("textarea[name=text]");

function show(task) {
  field(task).value = page.answers.get(task.id)?.text ?? field(task).value;
  count(task);
}

function count(task) {
  const { maxLength, value } = field(task);
  page.article(task).querySelector("[data-hint]").textContent = t("Characters left: {n}", { n: number(maxLength - value.length) });
}

document.addEventListener("input", (event) => {
  if (!page.task || event.target !== field(page.task)) return;
  count(page.task);
  page.draft(page.task, { text: event.target.value });
});
document.addEventListener("submit", (event) => {
  if (!event.target.closest("[data-answer]")) return;
  event.preventDefault();
  page.keep(page.task, { text: field(page.task).value });
  page.go(page.current + 1);
});

page.open();
