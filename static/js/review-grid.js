// Grid mode of the review: crops of one class, the bad ones are marked, Enter accepts the rest.

import { get, post } from "./lib/api.js";
import { dataOf, h, s } from "./lib/dom.js";
import { around as unionOf } from "./lib/geometry.js";
import { openHelp } from "./lib/help.js";
import { keepKeys, Keys, onKeysChange } from "./lib/keys.js";
import { drawn } from "./lib/svg.js";
import { Decisions } from "./review/decisions.js";
import { around, findings, SHAKY } from "./review/findings.js";
import { openRecent } from "./review/sheets.js";
import { say, showRest, showStanding, showWaiting } from "./review/standing.js";

const PAGE = 24;
const DEEPEST_UNDO = 2; // pages
const MOST_PARTS = 3;
const SHAPE = 0.8; // of a cell, width by height
const RENEW = 4 * 60_000;
const $ = (id) => document.getElementById(id);
const start = dataOf("start");
keepKeys(start.keys, (all) => post(start.keep_keys, all, { keepalive: true }).catch(() => say("Your keys could not be saved.")));

const decisions = new Decisions(start, {
  fetchNext: () => get(`${start.next}?n=${2 * PAGE}&class=${encodeURIComponent(start.class)}`),
  fetchRecent: () => get(start.recent),
  fetchDecided: (key) => get(`${start.recent}${key}/`),
  send: (rows, leaving) => post(start.decisions, { decisions: rows }, { keepalive: leaving }),
});
const marked = new Set();
const pages = [];
let shown = [];
let began = performance.now();

// --- showing -------------------------------------------------------------------------------------------------------
function show() {
  const open = decisions.items.filter((item) => !decisions.done.has(item.id));
  const next = open.slice(0, PAGE);
  if (next.length && next.length === shown.length && next.every((item, at) => item.id === shown[at].id)) return;
  shown = next;
  began = performance.now();
  document.body.classList.toggle("is-empty", !shown.length);
  $("empty").hidden = shown.length > 0 || decisions.loading === true;
  $("grid").replaceChildren(...shown.map((item, at) => h("li", {}, cell(item, at))));
  for (const item of open.slice(PAGE, 2 * PAGE)) new Image().src = item.image.url;
  move(0);
  count();
}

function cell(item, at) {
  const { rows, extras } = findings(item);
  const { url, w, h: height } = item.image;
  const agreed = rows.map(({ box }) => box);
  const elsewhere = unionOf(extras.map((one) => one.box)) ?? { x: 0, y: 0, w, h: height };
  const parts = agreed.length > MOST_PARTS ? [unionOf(agreed)] : agreed.length ? agreed : [elsewhere];
  const crops = parts.map((part) => {
    const svg = s("svg", { viewBox: around(part, SHAPE / parts.length, agreed.length ? 1.3 : 1).join(" "), "aria-hidden": "true" });
    const picture = s("image", { href: url, width: w, height, preserveAspectRatio: "none" });
    svg.classList.add("waits");
    picture.addEventListener("load", () => svg.classList.remove("waits"));
    svg.append(picture);
    svg.append(...rows.flatMap(({ box, points }) => ["cons0", "cons"].map((name) => drawn(box, points, w, height, name))));
    return svg;
  });
  const lowest = item.lowest_iou === null ? "" : ` ${item.lowest_iou.toFixed(2)}`;
  const labels = rows.map((row) => row.label).join(", ") || "no boxes";
  const pressed = String(marked.has(item.id));
  const button = h("button", { type: "button", class: "rg-cell", "aria-pressed": pressed, tabindex: "-1" });
  button.setAttribute("aria-label", `Image ${at + 1}: ${labels}${lowest && `, lowest IoU${lowest}`}`);
  const shaky = item.lowest_iou !== null && item.lowest_iou < SHAKY ? "warn" : "";
  button.append(h("span", { class: "crops" }, ...crops), h("span", { class: `num ${shaky}` }, `${at + 1}${lowest}`), h("span", { class: "bad" }, "wrong"));
  button.addEventListener("click", () => toggle(at));
  return button;
}

const cells = () => [...$("grid").querySelectorAll("button")];

/** Move the focus to a cell; only that one is in the tab order. */
function move(at) {
  const all = cells();
  all.forEach((button, n) => (button.tabIndex = n === at ? 0 : -1));
  all[at]?.focus({ preventScroll: false });
}

function step(by) {
  const all = cells(), now = all.indexOf(document.activeElement);
  const to = now < 0 ? 0 : now + by;
  if (to >= 0 && to < all.length) move(to);
}

const columns = () => getComputedStyle($("grid")).gridTemplateColumns.split(" ").length;

function toggle(at) {
  const item = shown[at];
  if (!item) return;
  if (!marked.delete(item.id)) marked.add(item.id);
  cells()[at].setAttribute("aria-pressed", String(marked.has(item.id)));
  count();
}

function count() {
  const bad = shown.filter((item) => marked.has(item.id)).length;
  $("accept-words").textContent = shown.length ? `Accept ${shown.length - bad}` : "Accept";
  $("marked").textContent = bad ? `${bad} marked` : "";
}

// --- deciding ------------------------------------------------------------------------------------------------------
/** Accept what is not marked; what is marked is put aside for a look at it alone. */
function acceptRest() {
  if (!shown.length) return;
  const page = shown, ms = Math.round((performance.now() - began) / page.length);
  for (const item of page) decisions.put(item, marked.has(item.id) ? "hold" : "accept", { ms, in_grid: true });
  pages.push(page);
  pages.splice(0, pages.length - DEEPEST_UNDO);
  marked.clear();
  showRest();
  show();
  if (decisions.left < PAGE) load();
}

function load() {
  decisions.load().catch(() => say("The queue could not be loaded. It is tried again in some minutes."));
}

/** Take the whole last page back. */
function undo() {
  const page = pages.pop();
  if (!page) return say("There is nothing to undo here. “Your last decisions” go further back.");
  for (const item of [...page].reverse()) {
    const at = decisions.stack.findIndex((one) => one.item.id === item.id);
    if (at >= 0) decisions.takeBack(at);
  }
  const back = new Set(page.map((item) => item.id));
  decisions.items = [...page, ...decisions.items.filter((item) => !back.has(item.id))];
  return show();
}

async function showRecent() {
  await decisions.queue.settle();
  const found = await get(start.recent).catch(() => null);
  if (!found) return say("Your last decisions cannot be fetched now.");
  return openRecent(found.decisions, (key) =>
    decisions.reopen(key).catch(() => say("This image cannot be opened again.")),
  );
}

// --- keys and buttons ----------------------------------------------------------------------------------------------
const focused = () => cells().indexOf(document.activeElement);
const inGrid = () => focused() >= 0 || document.activeElement === document.body;
const acts = {
  accept: acceptRest,
  mark: () => toggle(Math.max(0, focused())),
  none: () => {
    marked.clear();
    for (const button of cells()) button.setAttribute("aria-pressed", "false");
    count();
  },
  undo,
  recent: showRecent,
  help: () => openHelp([{ title: "Grid", keys }]),
};
const key = (id, code, does, run, more = {}) => ({ id, code, does, run, ...more });
const keys = new Keys("grid", [
  key("accept", "Enter", "accept what is not marked", acts.accept, { when: inGrid }),
  key("accept-letter", "KeyA", "accept what is not marked", acts.accept, { quiet: true }),
  key("mark", "KeyX", "mark or unmark this one", acts.mark),
  key("mark-space", "Space", "mark or unmark this one", acts.mark, { when: inGrid }),
  key("none", "KeyU", "unmark all", acts.none),
  key("left", "ArrowLeft", "arrows: go from one to the next", () => step(-1), { when: inGrid }),
  key("right", "ArrowRight", "", () => step(1), { quiet: true, when: inGrid }),
  key("up", "ArrowUp", "", () => step(-columns()), { quiet: true, when: inGrid }),
  key("down", "ArrowDown", "", () => step(columns()), { quiet: true, when: inGrid }),
  key("undo", "KeyZ", "undo the last page", acts.undo),
  key("recent", "KeyL", "your last decisions", acts.recent),
  key("help", "Slash", "this sheet", acts.help, { shift: true }),
]);

function printKeys() {
  for (const button of document.querySelectorAll(".rv-bar [data-act]")) {
    const cap = button.querySelector("kbd");
    if (cap) cap.textContent = keys.printedOf(keys.table.find((one) => one.id === button.dataset.act));
  }
  document.body.classList.toggle("keys-off", keys.off);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) acts[button.dataset.act]?.();
});
$("class-of").addEventListener("change", () => $("classes").requestSubmit());
setInterval(() => decisions.load().catch(() => {}), RENEW);
addEventListener("pagehide", () => {
  post(start.release, { until: decisions.leaseUntil ?? null }, { keepalive: true }).catch(() => {});
});
addEventListener("beforeunload", (event) => {
  if (decisions.queue.offline && decisions.queue.waiting) event.preventDefault();
});

decisions.addEventListener("change", show);
decisions.addEventListener("standing", ({ detail }) => showStanding(detail));
decisions.addEventListener("refused", ({ detail }) => say(detail.why));
decisions.queue.addEventListener("change", () => showWaiting(decisions.queue));
onKeysChange(printKeys);
printKeys();
showStanding(start.standing);
load();
