// Disputed checks: a photo beside the example; a digit answers and the next one comes.

import { get, post } from "./lib/api.js";
import { dataOf, h } from "./lib/dom.js";
import { openHelp } from "./lib/help.js";
import { keepKeys, Keys, onKeysChange } from "./lib/keys.js";
import { Queue } from "./lib/queue.js";
import { uuid } from "./review/decisions.js";

const STAY = 10_000; // an answer moves money: it can be taken back for ten seconds
const RENEW = 4 * 60_000;
const REFILL_UNDER = 8;
const MOST_OPTIONS = 9;
const $ = (id) => document.getElementById(id);
const start = dataOf("start");
const format = new Intl.NumberFormat("en-US");
const when = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
keepKeys(start.keys, (all) => post(start.keep_keys, all, { keepalive: true }).catch(() => say("Your keys could not be saved.")));

const queue = new Queue(
  `checks-${start.project}-${start.person}`,
  (rows, leaving) => post(start.decisions, { decisions: rows }, { keepalive: leaving }),
  1000,
  STAY,
);
let items = [];
let stack = [];
let left = start.left;
let until = null;
let loading = false;
let since = performance.now();

// --- showing -------------------------------------------------------------------------------------------------------
function show() {
  const [item] = items;
  document.body.classList.toggle("is-empty", !item);
  $("empty").hidden = Boolean(item) || loading;
  showLeft();
  if (!item) {
    for (const id of ["pair", "panel", "options"]) $(id).replaceChildren();
    return;
  }
  $("pair").classList.toggle("alone", item.example === null);
  const sent = figure(item.image.url, item.class ? `Photo sent for ${item.class}` : "Photo", "Sent");
  const example = item.example ? [figure(item.example, `Example of ${item.class}`, "Example")] : [];
  $("pair").replaceChildren(sent, ...example);
  $("panel").replaceChildren(...panel(item));
  $("options").replaceChildren(...item.options.slice(0, MOST_OPTIONS).map(option));
  for (const next of items.slice(1, 6)) new Image().src = next.image.url;
  since = performance.now();
}

const showLeft = () => ($("left").textContent = format.format(Math.max(0, left)));

function figure(src, alt, caption) {
  return h("figure", {}, h("img", { src, alt, decoding: "async" }), h("figcaption", {}, caption));
}

const section = (title, ...nodes) => (nodes.length ? [h("section", {}, h("h3", {}, title), ...nodes)] : []);
const list = (className, rows) => (rows.length ? [h("ul", { class: className }, ...rows)] : []);

function panel(item) {
  const votes = item.votes.map((vote) => h("li", {}, h("span", { class: "mono" }, vote.worker), vote.label));
  const asked = item.conditions.map((text) => h("li", {}, text));
  const until = item.until && `The platform accepts by itself on ${when.format(new Date(item.until))}.`;
  const facts = [item.why, item.sender && `Sent by ${item.sender}.`, until].filter(Boolean);
  return [
    h(
      "section",
      {},
      h("h2", { class: "big" }, item.title || "Is the photo as asked for?"),
      h("p", {}, h("b", {}, item.class.replaceAll("_", " "))),
      h("p", { class: "hint" }, item.prompt),
    ),
    h("section", {}, ...facts.map((text) => h("p", { class: "hint" }, text))),
    ...section("The sender says", ...(item.appeal ? [h("p", { class: "says" }, item.appeal)] : [])),
    ...section("Votes", ...list("votes", votes)),
    ...section("What was asked for", ...list("", asked)),
    h("p", {}, h("a", { class: "link", href: item.page, target: "_blank", rel: "noopener" }, "All about this photo")),
  ];
}

function option({ label, tone, keeps }, at) {
  const look = keeps ? "good" : tone === "bad" ? "bad" : "";
  const button = h("button", { type: "button", class: `btn ${look}` }, label, h("kbd", {}, String(at + 1)));
  button.addEventListener("click", (event) => {
    answer(at);
    if (event.detail > 0) button.blur();
  });
  return button;
}

let silence;
function say(text, tone = "") {
  $("toast").textContent = text;
  $("toast").dataset.tone = tone;
  clearTimeout(silence);
  silence = setTimeout(() => ($("toast").textContent = ""), 6000);
}

// --- answering -----------------------------------------------------------------------------------------------------
function answer(at) {
  const [item] = items;
  const chosen = item?.options[at];
  if (!chosen) return;
  const row = { key: uuid(), id: item.id, answer: chosen.value, ms: Math.round(performance.now() - since) };
  stack.push({ item, key: row.key });
  queue.add(row);
  items.shift();
  left -= 1;
  say(`${chosen.label}. It takes effect in ten seconds; Z takes it back.`);
  show();
  if (items.length < REFILL_UNDER) load();
}

function undo() {
  const last = stack.pop();
  if (!last) return say("There is nothing to undo.");
  if (!queue.take(last.key)) return say("This answer has taken effect already: it has paid or refused a page.", "bad");
  items.unshift(last.item);
  left += 1;
  say("Taken back.");
  return show();
}

function skip() {
  if (items.length < 2) return say("There is no other one.");
  items.push(items.shift());
  return show();
}

async function load() {
  if (loading) return;
  loading = true;
  try {
    await queue.ready;
    const found = await get(start.next);
    const known = new Set([...items, ...queue.rows].map((one) => one.id).concat(stack.map((one) => one.item.id)));
    items.push(...found.items.filter((item) => !known.has(item.id)));
    left = found.left - queue.waiting;
    until = found.lease_until;
  } catch {
    say("The queue could not be loaded. It is tried again in some minutes.", "bad");
  } finally {
    loading = false;
  }
  show();
}

// --- keys, leaving -------------------------------------------------------------------------------------------------
const acts = { skip, undo, help: () => openHelp([{ title: "Disputed checks", keys }]) };
const keys = new Keys("checks", [
  ...Array.from({ length: MOST_OPTIONS }, (_, at) => ({
    id: `answer-${at + 1}`,
    code: `Digit${at + 1}`,
    does: "1 … 9: this answer",
    quiet: at > 0,
    run: () => answer(at),
  })),
  { id: "yes", code: "KeyY", does: "the first answer", run: () => answer(0) },
  { id: "no", code: "KeyN", does: "the second answer", run: () => answer(1) },
  { id: "skip", code: "KeyK", does: "later: to the end of the queue", run: skip },
  { id: "undo", code: "KeyZ", does: "undo, for ten seconds", run: undo },
  { id: "help", code: "Slash", shift: true, does: "this sheet", run: acts.help },
]);

function printKeys() {
  for (const button of document.querySelectorAll(".rv-bar [data-act]")) {
    button.querySelector("kbd").textContent = keys.printedOf(keys.table.find((one) => one.id === button.dataset.act));
  }
  document.body.classList.toggle("keys-off", keys.off);
}

document.addEventListener("click", (event) => acts[event.target.closest("[data-act]")?.dataset.act]?.());
queue.addEventListener("change", () => {
  document.body.dataset.unsent = String(queue.waiting);
  $("unsent").hidden = !queue.offline;
  const waiting = `${format.format(queue.waiting)} answers wait for the network. They are kept on this device.`;
  $("unsent").textContent = queue.offline ? waiting : "";
});
queue.addEventListener("answer", ({ detail }) => {
  const gone = new Set([...detail.saved, ...detail.refused.map((one) => one.key)]);
  stack = stack.filter((one) => !gone.has(one.key));
  if (detail.refused.length) say(detail.refused[0].why, "bad");
  left = detail.left - queue.waiting;
  showLeft();
});
setInterval(load, RENEW);
addEventListener("pagehide", () => post(start.release, { until }, { keepalive: true }).catch(() => {}));
addEventListener("beforeunload", (event) => {
  if (queue.offline && queue.waiting) event.preventDefault();
});
onKeysChange(printKeys);
printKeys();
load();
