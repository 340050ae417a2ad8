/**
 * The board by keyboard: J and K walk over the cards, B bans, X rejects, C says "not cheating", Enter opens the picture.
 */
import { isTyping } from "./lib/dom.js";

const cards = () => [...document.querySelectorAll("[data-card]")];
let place = -1;

function walk(step) {
  const all = cards();
  if (all.length === 0) return;
  place = Math.min(all.length - 1, Math.max(0, place + step));
  const link = all[place].querySelector("a");
  link?.focus({ preventScroll: true });
  all[place].scrollIntoView({ block: "nearest" });
}

function press(code) {
  const card = cards()[place];
  card?.querySelector(`button[data-key="${code}"]`)?.click();
}

document.addEventListener("keydown", (event) => {
  if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.code === "KeyJ") walk(1);
  else if (event.code === "KeyK") walk(-1);
  else if (["KeyB", "KeyX", "KeyC"].includes(event.code)) press(event.code);
});
