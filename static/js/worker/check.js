// Checking pictures: one tap or one digit an answer, the next picture at once. Where several answers may be chosen,
// digits mark them and Enter goes on.

import { Keys } from "../lib/keys.js";
import { isRefusal, Page } from "./page.js";
import { t } from "./words.js";

const page = new Page({ onShow: show });
const { several } = page.start;

function show(task, article) {
  const given = page.answers.get(task.id)?.answer;
  for (const button of buttons(article)) button.setAttribute("aria-pressed", String(button.value === given));
  const chosen = given?.split("+") ?? [];
  for (const box of boxes(article)) box.checked = chosen.includes(box.value);
  hint(article, "");
}

const buttons = (article) => [...article.querySelectorAll("button[name=answer]")];
const boxes = (article) => [...article.querySelectorAll("input[name=answer]")];

function hint(article, text) {
  const line = article.querySelector("[data-hint]");
  line.textContent = text;
  line.classList.toggle("bad", Boolean(text));
}

async function choose(task, value) {
  const article = page.article(task), payload = { answer: value };
  if (page.start.training && !(await isRight(task, article, payload))) return;
  if (!page.start.training) page.keep(task, payload);
  page.go(page.tasks.indexOf(task) + 2);
}

/** All that are marked, in the order of the options: the same set is the same answer. */
function chooseMarked(task) {
  const article = page.article(task);
  const marked = new Set(boxes(article).filter((box) => box.checked).map((box) => box.value));
  if (!marked.size) return hint(article, t("Choose at least one."));
  return choose(task, several.filter((value) => marked.has(value)).join("+"));
}

/** In training the server looks at once, and a wrong answer explains itself. */
async function isRight(task, article, payload) {
  try {
    const { ok, hint: text } = await page.post(task.id, payload);
    hint(article, ok ? "" : text);
    if (ok) page.answers.set(task.id, payload);
    return ok;
  } catch (error) {
    hint(article, isRefusal(error) ? error.message : t("Waiting for the network. Try again in a moment."));
    return false;
  }
}

document.addEventListener("submit", (event) => {
  const article = event.target.closest("[data-answer]");
  if (!article) return;
  event.preventDefault();
  if (several) chooseMarked(page.task);
  else if (event.submitter?.value) choose(page.task, event.submitter.value);
});

const choices = () => (page.task === null ? [] : (several ? boxes : buttons)(page.article(page.task)));

const optionKeys = Array.from({ length: 9 }, (_, at) => ({
  id: `option-${at + 1}`,
  code: `Digit${at + 1}`,
  does: "1 … 9: answer",
  when: () => choices()[at] !== undefined,
  run: () => (several ? choices()[at].click() : choose(page.task, choices()[at].value)),
}));
/** What has focus and is pressed by Enter itself keeps that key. */
const isFree = () => !document.activeElement?.closest("a, button, summary");

new Keys("check", [
  ...optionKeys,
  { id: "back", code: "KeyJ", does: "the one before", run: () => page.go(page.current - 1) },
  { id: "take", code: "Enter", does: "go on", when: () => Boolean(several && page.task) && isFree(), run: () => chooseMarked(page.task) },
  { id: "hand-in", code: "Enter", does: "hand in", when: () => page.task === null && isFree(), run: () => page.submit() },
]);

page.open();
