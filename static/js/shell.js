/**
 * What works on every page of the office: the palette, the go-to keys, the search key, the help sheet.
 */
import { post } from "./lib/api.js";
import { offerCopies } from "./lib/copy.js";
import { dataOf } from "./lib/dom.js";
import { alsoHelp, openHelp } from "./lib/help.js";
import { keepKeys, Keys, tables } from "./lib/keys.js";
import { Palette } from "./lib/palette.js";

const WAIT = 2000;
const SEARCH = "[data-search-box], main input[type=search]";

/** @type {{palette: string, project: string, person: string, keep_keys: string, keys: object, go: {title: string, url: string, key: string}[]}} */
const start = dataOf("shell-data");
const palette = new Palette({ url: start.palette, project: start.project, person: start.person });
keepKeys(start.keys, (all) => post(start.keep_keys, all, { keepalive: true }).catch(() => {}));
offerCopies();

// --- the table: handlers and help sheet are made from it --------------------------------------------------------------
const isOn = () => !here.off;
const hasOwnHelp = () => tables.some((one) => one !== here && one.table.some(({ id }) => id === "help"));
const openPalette = { id: "palette", code: "KeyK", mod: true, shift: false, does: "search, or go anywhere", run: () => palette.open() };
const here = new Keys("anywhere", [
  openPalette,
  { id: "search", code: "Slash", shift: false, does: "to the search of the page", run: toSearch, when: isOn },
  { id: "go", code: "KeyG", shift: false, does: "go to: then one of the letters below", run: wait },
  { id: "help", code: "Slash", shift: true, does: "this sheet", run: help, when: () => isOn() && !hasOwnHelp() },
]);
const letters = new Keys(
  "go",
  start.go.map(({ title, url, key }) => ({ id: title, code: key, does: title, run: () => location.assign(url) })),
  new EventTarget(),
);
alsoHelp({ title: "Anywhere", keys: here }, { title: "G, then", keys: letters });

function help() {
  openHelp([]);
}

function toSearch() {
  const box = document.querySelector(SEARCH);
  if (!(box instanceof HTMLElement) || box.offsetParent === null) return palette.open();
  box.focus();
  return box instanceof HTMLInputElement ? box.select() : undefined;
}

// --- G, then a letter: the next key belongs to us, whatever it does on this screen ---------------------------------------
let until = 0;

function wait() {
  until = Date.now() + WAIT;
  document.documentElement.dataset.going = "yes";
  setTimeout(stopWaiting, WAIT);
}

function stopWaiting() {
  if (Date.now() >= until) delete document.documentElement.dataset.going;
}

document.addEventListener(
  "keydown",
  (event) => {
    if (Date.now() >= until || event.ctrlKey || event.metaKey || event.altKey || event.key === "Shift") return;
    until = 0;
    stopWaiting();
    event.preventDefault();
    event.stopImmediatePropagation();
    letters.table.find((row) => letters.codeOf(row) === event.code)?.run(event);
  },
  { capture: true },
);

// --- also while typing: Ctrl K is no letter ------------------------------------------------------------------------------
document.addEventListener(
  "keydown",
  (event) => {
    const mod = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!mod || event.code !== here.codeOf(openPalette) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    palette.open();
  },
  { capture: true },
);

const isMac = /Mac|iP(hone|ad)/.test(navigator.platform);
for (const sign of document.querySelectorAll("[data-mod-key]")) sign.textContent = isMac ? "⌘ K" : "Ctrl K";
for (const button of document.querySelectorAll("[data-open-palette]")) button.addEventListener("click", () => palette.open());
for (const button of document.querySelectorAll("[data-open-keys]")) button.addEventListener("click", help);
for (const form of document.querySelectorAll("[data-sign-out]")) form.addEventListener("submit", () => palette.forget());
