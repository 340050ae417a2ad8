// A link to a file that lies elsewhere: the server reads it at once and says in a sentence when it cannot be used.

import { isRefusal, Page } from "./page.js";
import { t } from "./words.js";

const page = new Page({ onShow: show });

function show(task, article) {
  const field = article.querySelector("input[name=link]");
  field.value = page.answers.get(task.id)?.link ?? field.value;
  hint(article, "");
}

function hint(article, text) {
  const line = article.querySelector("[data-hint]");
  line.textContent = text;
  line.classList.toggle("bad", Boolean(text));
}

async function take(task, article) {
  const payload = { link: article.querySelector("input[name=link]").value.trim() };
  try {
    await page.post(task.id, payload);
  } catch (error) {
    return hint(article, isRefusal(error) ? error.message : t("Waiting for the network. Try again in a moment."));
  }
  page.answers.set(task.id, payload);
  return page.go(page.tasks.indexOf(task) + 2);
}

document.addEventListener("submit", (event) => {
  const article = event.target.closest("[data-answer]");
  if (!article) return;
  event.preventDefault();
  take(page.task, article);
});

page.open();
