/**
 * Tables of pools by keyboard: J and K go from name to name, Enter opens. The focus is the mark: nothing else is kept.
 */
import { alsoHelp } from "./lib/help.js";
import { Keys } from "./lib/keys.js";

const names = () => [...document.querySelectorAll(".pool-table .name-cell")];

function go(step) {
  const all = names();
  if (!all.length) return;
  const here = all.indexOf(document.activeElement);
  const next = all[here < 0 ? 0 : Math.min(all.length - 1, Math.max(0, here + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

const keys = new Keys("pools", [
  { id: "next", code: "KeyJ", does: "next pool", run: () => go(1) },
  { id: "previous", code: "KeyK", does: "previous pool", run: () => go(-1) },
]);
alsoHelp({ title: "Pools", keys });
