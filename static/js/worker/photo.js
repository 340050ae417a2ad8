// Taking a photo or a video: look at it, check it, send it in pieces while the next one is taken.

import { inspect } from "./media-check.js";
import { Page } from "./page.js";
import { Uploads } from "./upload.js";
import { number, t } from "./words.js";

const page = new Page({ onShow: draw, whenSent });
const uploads = new Uploads(page.start.worker, page.start.uploads);
const isVideo = page.start.media === "video";
/** What was chosen and is not there yet, why something was not taken, what is on its way. */
const files = new Map(), refused = new Map(), sending = new Set();
/** One file at a time: a weak network carries one better than three. */
let line = Promise.resolve();

const part = (task, name) => page.article(task).querySelector(`[data-${name}]`);

function draw(task) {
  const sent = page.answers.has(task.id), chosen = files.has(task.id), going = sending.has(task.id);
  part(task, "choose").hidden = going || (chosen && !sent);
  part(task, "confirm").hidden = !chosen || sent || going;
  part(task, "progress").hidden = !going;
  part(task, "take").textContent = take(sent);
  if (refused.has(task.id)) say(task, refused.get(task.id), true);
  else if (sent && !going) say(task, isVideo ? t("Your video is in.") : t("Your photo is in."));
}

function take(sent) {
  if (isVideo) return sent ? t("Record another video") : t("Record a video");
  return sent ? t("Take another photo") : t("Take a photo");
}

function say(task, text, bad = false) {
  const words = part(task, "say");
  words.textContent = text;
  words.classList.toggle("bad", bad);
}

function preview(task, file) {
  const shown = part(task, "preview"), old = shown.src;
  shown.src = URL.createObjectURL(file);
  shown.hidden = shown.parentElement.hidden = false; // without an example there was nothing to see yet
  if (old) URL.revokeObjectURL(old);
  for (const name of ["example", "cap"]) part(task, name)?.setAttribute("hidden", "");
}

async function choose(task, file) {
  const { problem, note, warns } = await inspect(file, page.start);
  if (problem) return say(task, problem, true);
  files.set(task.id, file);
  refused.delete(task.id);
  page.answers.delete(task.id);
  preview(task, file);
  draw(task);
  return say(task, note, warns);
}

function send(task) {
  if (sending.has(task.id) || !files.has(task.id)) return;
  sending.add(task.id);
  draw(task);
  say(task, t("Getting it ready"));
  line = line.then(() => carry(task));
  if (page.tasks.length > 1) page.go(page.tasks.indexOf(task) + 2);
  tell();
}

async function carry(task) {
  try {
    await uploads.send(task, files.get(task.id), (share, waits) => progress(task, share, waits));
    page.answers.set(task.id, true);
  } catch (error) {
    refused.set(task.id, error.message);
  }
  files.delete(task.id);
  sending.delete(task.id);
  draw(task);
  page.showDots();
  tell();
  if (page.tasks.length === 1 && page.answers.has(task.id)) page.submit();
}

function progress(task, share, waits) {
  part(task, "progress").value = share;
  const percent = number(Math.floor(share * 100));
  const kept = t("Waiting for the network; {percent} % is sent and the file is kept here.", { percent });
  say(task, waits ? kept : t("{percent} % sent", { percent }));
  tell(waits);
}

/** How many are there and how many wait, at the top of the page. */
function tell(waits = false) {
  if (page.tasks.length === 1) return page.state(waits ? t("Waiting for the network") : "", waits);
  const told = { sent: page.answers.size, all: page.tasks.length, waiting: sending.size };
  return page.state(sending.size ? t("{sent} of {all} sent, {waiting} waiting", told) : t("{sent} of {all} sent", told), waits);
}

/** The page waits for its files. One that was not taken is shown again instead. */
async function whenSent() {
  if (sending.size) page.problem(t("Some files are still on their way; the page is handed in when they have arrived."));
  while (sending.size) await line;
  page.problem("");
  const again = page.tasks.findIndex((task) => refused.has(task.id));
  if (again >= 0) page.go(again + 1);
  return again < 0;
}

/** What was on its way when the page was left goes on. */
async function resume() {
  for (const task of page.tasks) {
    const begun = page.answers.has(task.id) ? undefined : await uploads.begun(task);
    if (!begun || files.has(task.id)) continue;
    files.set(task.id, begun);
    preview(task, begun);
    send(task);
  }
}

/** Take a file out of its field, so that the same one can be chosen again. */
function pick(field) {
  const file = field.files[0];
  if (file && page.task) choose(page.task, file);
  if (file) field.value = "";
}

document.addEventListener("change", (event) => event.target.matches("[data-file]") && pick(event.target));
document.addEventListener("click", (event) => {
  const act = event.target.closest("[data-do]")?.dataset.do;
  if (act === "send") send(page.task);
  if (act === "again") {
    files.delete(page.task.id);
    say(page.task, "");
    draw(page.task);
  }
});

document.querySelectorAll("[data-file]").forEach(pick); // chosen before this module was here
page.open();
await resume();
