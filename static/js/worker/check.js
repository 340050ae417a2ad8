// Checking photos: one tap or one digit an answer, the next picture at once.

import { Keys } from "../lib/keys.js";
import { isRefusal, Page } from "./page.js";

const page = new Page({ onShow: show });

function show(task, article) {
  const given = page.answers.get(task.id)?.answer;
  for (const button of buttons(article)) button.setAttribute("aria-pressed", String(button.value === given));
  hint(article, "");
}

const buttons = (article) => [...article.querySelectorAll("button[name=answer]")];

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

/** In training the server looks at once, and a wrong answer explains itself. */
async function isRight(task, article, payload) {
  try {
    const { ok, hint: text } = await page.post(task.id, payload);
    hint(article, ok ? "" : text);
    if (ok) page.answers.set(task.id, payload);
    return ok;
  } catch (error) {
    hint(article, isRefusal(error) ? error.message : "Waiting for the network. Try again in a moment.");
    return false;
  }
}

document.addEventListener("submit", (event) => {
  const article = event.target.closest("[data-answer]");
  if (!article || !event.submitter?.value) return;
  event.preventDefault();
  choose(page.task, event.submitter.value);
});

const optionKeys = Array.from({ length: 9 }, (_, at) => ({
  id: `option-${at + 1}`,
  code: `Digit${at + 1}`,
  does: "1 … 9: answer",
  when: () => page.task !== null && buttons(page.article(page.task))[at] !== undefined,
  run: () => choose(page.task, buttons(page.article(page.task))[at].value),
}));
new Keys("check", [
  ...optionKeys,
  { id: "back", code: "KeyJ", does: "the one before", run: () => page.go(page.current - 1) },
  { id: "hand-in", code: "Enter", does: "hand in", when: () => page.task === null, run: () => page.submit() },
]);

page.open();
