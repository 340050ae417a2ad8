// The review screen: one key a decision, the next picture in the same frame.

import { editorKeys } from "./editor-keys.js";
import { get, post } from "./lib/api.js";
import { dataOf } from "./lib/dom.js";
import { openHelp } from "./lib/help.js";
import { keepKeys, Keys, onControl, onKeysChange } from "./lib/keys.js";
import { outlineKeys } from "./outline-keys.js";
import { Decisions } from "./review/decisions.js";
import { findings } from "./review/findings.js";
import { Fix } from "./review/fix.js";
import { drawPanel } from "./review/panel.js";
import { Picture } from "./review/picture.js";
import { openRecent, openSimilar } from "./review/sheets.js";
import { hush, say, showRest, showStanding, showWaiting } from "./review/standing.js";
import { drawStrip } from "./review/strip.js";

const AHEAD = 8;
const RENEW = 4 * 60_000;
const IDLE = 9 * 60_000;
const LOOK_AGAIN = 20_000; // while nothing needs a person
const $ = (id) => document.getElementById(id);
const CLOSER = "winnow.review.closer";
const start = dataOf("start");
keepKeys(start.keys, (all) => post(start.keep_keys, all, { keepalive: true }).catch(() => say("Your keys could not be saved.", "bad")));

const decisions = new Decisions(start, {
  fetchNext: (n) => get(`${start.next}?n=${n}`),
  fetchRecent: () => get(start.recent),
  fetchDecided: (key) => get(`${start.recent}${key}/`),
  send: (rows, leaving) => post(start.decisions, { decisions: rows }, { keepalive: leaving }),
});
const picture = new Picture({ stage: $("stage"), crops: $("crops") });
const fix = new Fix({ frame: $("editor"), list: $("fix-list"), say, hush, whole: sayOfTheWhole }, start);
picture.setCloser(localStorage.getItem(CLOSER) === "yes");
const loaded = new Map();
let found = null;
let rejecting = false;
let active = Date.now();

// --- showing -------------------------------------------------------------------------------------------------------
function show() {
  const item = decisions.current;
  const empty = item === null;
  $("empty").hidden = !empty || decisions.loading === true;
  document.body.classList.toggle("is-empty", empty);
  document.body.classList.toggle("is-over", empty && decisions.loading !== true);
  drawStrip($("strip"), decisions);
  if (empty) return;
  found = findings(item);
  picture.set({ only: null });
  picture.show(item, found);
  drawPanel($("panel"), item, found, () => {});
  $("class").textContent = item.class;
  $("class").hidden = !item.class;
  preload();
}

/** The next pictures are fetched and decoded before they are wanted. */
function preload() {
  for (const item of decisions.items.slice(decisions.at + 1, decisions.at + 1 + AHEAD)) {
    if (loaded.has(item.id)) continue;
    const image = new Image();
    image.src = item.image.url;
    image.decode().catch(() => {});
    loaded.set(item.id, image);
  }
  if (loaded.size > 60) loaded.delete(loaded.keys().next().value);
}

// --- deciding ------------------------------------------------------------------------------------------------------
function decide(verdict, more) {
  setRejecting(false);
  if (!decisions.current) return;
  hush();
  decisions.decide(verdict, more);
  showRest();
}

function setRejecting(on) {
  rejecting = on && decisions.current !== null;
  $("reasons").hidden = !rejecting;
  $("actions").hidden = rejecting;
  if (rejecting) $("reasons").querySelector("button")?.focus();
}

async function undo() {
  setRejecting(false);
  try {
    if (!(await decisions.undo())) say("There is nothing to undo.");
  } catch {
    say("What was decided before cannot be fetched now. It stays as it is.", "bad");
  }
}

async function showRecent() {
  await decisions.queue.settle();
  const found = await get(start.recent).catch(() => null);
  if (!found) return say("Your last decisions cannot be fetched now.", "bad");
  openRecent(found.decisions, (key) => decisions.reopen(key).catch(() => say("This image cannot be opened again.", "bad")));
}

async function showSimilar() {
  const item = decisions.current;
  if (!item) return;
  const found = await get(`${start.similar}${item.id}/`).catch(() => null);
  if (found) openSimilar(found);
  else say("Similar images cannot be fetched now.", "bad");
}

function beginFix() {
  if (!decisions.current || fix.open) return;
  setRejecting(false);
  document.body.classList.add("is-fixing");
  fix.begin(decisions.current, found, picture.shown.only);
  $("draw").textContent = fix.shape.draw;
}

function endFix() {
  hush();
  fix.end();
  document.body.classList.remove("is-fixing");
}

function saveFix() {
  const boxes = fix.result();
  if (boxes === null) return;
  endFix();
  decide("fix", { boxes });
}

/** What is said of the whole image in fix mode: nothing is in it to box, or the photo itself will not do. */
function sayOfTheWhole({ value, rejects }) {
  endFix();
  if (rejects) decide("reject", { reason: value });
  else decide("fix", { boxes: [], reason: value });
}

function toggleCloser() {
  const on = !picture.closer;
  localStorage.setItem(CLOSER, on ? "yes" : "no");
  picture.setCloser(on);
  document.querySelector('[data-act="closer"]').setAttribute("aria-pressed", String(on));
}

function toggleTrace() {
  const trace = $("panel").querySelector(".rv-trace");
  if (trace) trace.open = !trace.open;
}

function toggle(layer) {
  picture.set({ [layer]: !picture.shown[layer], only: null });
  for (const button of document.querySelectorAll("[data-layer]")) {
    button.setAttribute("aria-pressed", String(picture.shown[button.dataset.layer]));
  }
}

function alone(at) {
  const letter = decisions.current?.variants[at]?.letter;
  if (letter) picture.set({ only: picture.shown.only === letter ? null : letter });
}

// --- keys and buttons ----------------------------------------------------------------------------------------------
const acts = {
  accept: () => decide("accept"),
  fix: beginFix,
  send_back: () => decide("send_back"),
  one_more: () => decide("one_more"),
  reject: () => setRejecting(!rejecting),
  hold: () => decide("hold"),
  undo,
  previous: () => decisions.go(decisions.at - 1),
  next: () => decisions.go(Math.min(decisions.at + 1, decisions.items.length - 1)),
  trace: toggleTrace,
  everyone: () => toggle("everyone"),
  consensus: () => toggle("consensus"),
  larger: () => picture.view.zoom(1.25),
  smaller: () => picture.view.zoom(0.8),
  fit: () => picture.view.fit(),
  closer: toggleCloser,
  recent: showRecent,
  similar: showSimilar,
  help: () => openHelp([{ title: "Review", keys: reviewKeys }, { title: "Fix mode", keys: keysOfFix[fix.shapeFor(found?.rows ?? []).name] }]),
  save_fix: saveFix,
  leave_fix: endFix,
  draw: () => fix.editor?.startDrawing(),
  remove: () => fix.editor?.deleteSelected(),
  undo_box: () => fix.editor?.undo(),
};

const looking = () => !fix.open;
const key = (id, code, does, run, more = {}) => ({ id, code, does, run, when: looking, ...more });
const reviewKeys = new Keys("review", [
  key("no-reason", "Escape", "no rejection after all", () => setRejecting(false), { when: () => rejecting, quiet: true }),
  key("accept", "KeyA", "accept", acts.accept),
  key("accept-enter", "Enter", "accept", acts.accept, { when: () => looking() && !onControl(), quiet: true }),
  key("reject", "KeyX", "reject, then the reason", acts.reject),
  ...start.reasons.map(({ value, label }, at) =>
    key(`reason-${at + 1}`, `Digit${at + 1}`, `after X: ${label.toLowerCase()}`, () => decide("reject", { reason: value }), {
      when: () => looking() && rejecting,
    }),
  ),
  key("fix", "KeyF", "fix the boxes", acts.fix),
  key("send-back", "KeyR", "send back to the crowd", acts.send_back),
  key("one-more", "KeyM", "one more annotator", acts.one_more),
  key("hold", "KeyH", "put aside", acts.hold),
  key("undo", "KeyZ", "undo, also over images", acts.undo),
  key("previous", "KeyJ", "previous image", acts.previous),
  key("next", "KeyK", "next image", acts.next),
  key("everyone", "KeyV", "everyone's boxes on and off", acts.everyone),
  key("consensus", "KeyC", "consensus on and off", acts.consensus),
  ...Array.from({ length: 9 }, (_, at) =>
    key(`alone-${at + 1}`, `Digit${at + 1}`, "1 … 9: one annotator alone", () => alone(at), { quiet: at > 0 }),
  ),
  key("hide", "Space", "hold: hide all boxes", () => picture.set({ hidden: true }), {
    up: () => picture.set({ hidden: false }),
    when: () => looking() && !onControl(),
  }),
  key("trace", "KeyT", "trace of the aggregation", acts.trace),
  key("similar", "KeyS", "similar images", acts.similar),
  key("recent", "KeyL", "your last decisions", acts.recent),
  key("closer", "KeyB", "zoom to the boxes, on and off", acts.closer),
  key("zoom-in", "Equal", "larger", acts.larger),
  key("zoom-out", "Minus", "smaller", acts.smaller),
  key("fit", "Digit0", "the whole picture", acts.fit),
  key("help", "Slash", "this sheet", acts.help, { shift: true, when: () => true }),
]);
const flagKeys = (shape) =>
  fix.flags.slice(0, 9).map((flag, at) => ({
    id: `whole-${at + 1}`,
    code: `Digit${at + 1}`,
    shift: true,
    does: `of the whole image: ${flag.label.toLowerCase()}`,
    when: () => fix.editorOf(shape) !== null,
    run: () => sayOfTheWhole(flag),
  }));
const around = { label: (name) => fix.editor.setLabel(name), save: saveFix, leave: endFix };
const keysOfFix = {
  box: new Keys("fix", [...flagKeys("box"), ...editorKeys(() => fix.editorOf("box"), around)]),
  outline: new Keys("outlines", [...flagKeys("outline"), ...outlineKeys(() => fix.editorOf("outline"), around)]),
};

/** What buttons say of their keys follows the person's own keys. */
function printKeys() {
  for (const button of document.querySelectorAll("[data-act]")) {
    const id = button.dataset.act.replaceAll("_", "-");
    const named = reviewKeys.table.find((one) => one.id === id);
    const cap = button.querySelector("kbd");
    if (named && cap && button.closest(".looking") && !button.closest("#reasons")) cap.textContent = reviewKeys.printedOf(named);
  }
  document.body.classList.toggle("keys-off", reviewKeys.off);
}
onKeysChange(printKeys);
printKeys();

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (!button) return;
  if (button.dataset.act === "reason") decide("reject", { reason: button.dataset.reason });
  else acts[button.dataset.act]?.();
  if (event.detail > 0) button.blur(); // a mouse click leaves the keys to the screen
});

// --- leases, leaving -----------------------------------------------------------------------------------------------
for (const type of ["keydown", "pointerdown"]) addEventListener(type, () => (active = Date.now()), { passive: true });
setInterval(() => {
  if (Date.now() - active < IDLE) decisions.load().catch(() => {});
}, RENEW);
setInterval(() => {
  if (decisions.current === null && Date.now() - active < IDLE) decisions.load().catch(() => {});
}, LOOK_AGAIN);
addEventListener("pagehide", () => {
  post(start.release, { until: decisions.leaseUntil ?? null }, { keepalive: true }).catch(() => {});
});
addEventListener("beforeunload", (event) => {
  if (decisions.queue.offline && decisions.queue.waiting) event.preventDefault();
});

decisions.addEventListener("change", show);
decisions.addEventListener("standing", ({ detail }) => showStanding(detail));
decisions.addEventListener("refused", ({ detail }) => say(detail.why, "bad"));
decisions.queue.addEventListener("change", () => showWaiting(decisions.queue));
showStanding(start.standing);
document.querySelector('[data-act="closer"]').setAttribute("aria-pressed", String(picture.closer));
decisions.load().catch(() => say("The queue could not be loaded. It is tried again in a minute.", "bad"));
