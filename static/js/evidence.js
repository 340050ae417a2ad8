/**
 * The board by keyboard: J and K walk over the cards, B bans, X rejects, C says "not cheating", Enter opens the picture.
 */
import { alsoHelp } from "./lib/help.js";
import { Keys } from "./lib/keys.js";

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

const press = (what) => cards()[place]?.querySelector(`button[data-does="${what}"]`)?.click();

const keys = new Keys("board", [
  { id: "next", code: "KeyJ", does: "next picture", run: () => walk(1) },
  { id: "previous", code: "KeyK", does: "previous picture", run: () => walk(-1) },
  { id: "ban", code: "KeyB", does: "ban its worker", run: () => press("ban") },
  { id: "reject", code: "KeyX", does: "reject the picture only", run: () => press("reject") },
  { id: "overturn", code: "KeyC", does: "not cheating", run: () => press("overturn") },
]);
alsoHelp({ title: "Dishonest workers", keys });
