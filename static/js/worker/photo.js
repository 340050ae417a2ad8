// Taking a photo: look at it, check its size, send it in pieces.

import { Page } from "./page.js";
import { Uploads } from "./upload.js";

const page = new Page({ onShow: show });
const uploads = new Uploads(page.start.worker, page.start.uploads);
const photos = new Map();
const sending = new Set();
const [LONG, SHORT] = page.start.least;

const part = (task, name) => page.article(task).querySelector(`[data-${name}]`);

async function show(task) {
  draw(task);
  const begun = await uploads.begun(task);
  if (!begun || photos.has(task.id) || page.answers.has(task.id)) return;
  photos.set(task.id, begun);
  preview(task, begun);
  send(task); // it was on its way when the page was left
}

function draw(task) {
  const sent = page.answers.has(task.id), chosen = photos.has(task.id), going = sending.has(task.id);
  part(task, "choose").hidden = going || (chosen && !sent);
  part(task, "confirm").hidden = !chosen || sent || going;
  part(task, "progress").hidden = !going;
  part(task, "take").textContent = sent ? "Take another photo" : "Take a photo";
  if (sent && !going) say(task, "Your photo is in.");
}

function say(task, text, bad = false) {
  const line = part(task, "say");
  line.textContent = text;
  line.classList.toggle("bad", bad);
}

function preview(task, file) {
  const image = part(task, "preview"), old = image.src;
  image.src = URL.createObjectURL(file);
  image.hidden = false;
  if (old) URL.revokeObjectURL(old);
  for (const name of ["example", "cap"]) part(task, name)?.setAttribute("hidden", "");
}

/** Judge the size before anything is sent: a phone's data is the worker's money. */
async function choose(task, file) {
  const size = await createImageBitmap(file).catch(() => null);
  if (!size) return say(task, "This file is no picture that can be opened here. Take a photo, or choose a JPEG.", true);
  const { width, height } = size;
  size.close();
  if (Math.max(width, height) < LONG || Math.min(width, height) < SHORT) {
    return say(task, `The photo is ${width} by ${height} pixels; at least ${LONG} by ${SHORT} are needed.`, true);
  }
  photos.set(task.id, file);
  page.answers.delete(task.id);
  preview(task, file);
  say(task, `${width} by ${height} pixels. Is the whole hand in it?`);
  return draw(task);
}

async function send(task) {
  if (sending.has(task.id)) return;
  sending.add(task.id);
  draw(task);
  try {
    await uploads.send(task, photos.get(task.id), (share, waits) => progress(task, share, waits));
    page.answers.set(task.id, true);
    sent(task);
  } catch (error) {
    photos.delete(task.id);
    say(task, error.message, true);
  } finally {
    sending.delete(task.id);
    draw(task);
  }
}

function progress(task, share, waits) {
  const bar = part(task, "progress");
  bar.value = share;
  const percent = Math.floor(share * 100);
  say(task, waits ? `Waiting for the network; ${percent} % is sent and the photo is kept here.` : `${percent} % sent`);
  page.state(waits ? "Waiting for the network" : "", waits);
}

function sent(task) {
  page.showDots();
  if (page.tasks.length === 1) page.submit();
  else page.go(page.tasks.indexOf(task) + 2);
}

/** Take a photo out of its field, so that the same one can be chosen again. */
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
    photos.delete(page.task.id);
    say(page.task, "");
    draw(page.task);
  }
});

document.querySelectorAll("[data-file]").forEach(pick); // chosen before this module was here
page.open();
