// Submissions: choosing by mouse or keys, all of one sender at once, and the dialog that judges what is chosen.

import { Keys } from "./lib/keys.js";

const $ = (id) => document.getElementById(id);
const boxes = () => [...document.querySelectorAll('#judging input[name="page"]')];
const judge = $("judge");

function count() {
  const n = boxes().filter((box) => box.checked).length;
  $("chosen").textContent = n ? `${n} chosen` : "Choose what to judge.";
  $("open-judge").disabled = n === 0;
  for (const button of document.querySelectorAll("[data-all]")) {
    const mine = boxes().filter((box) => box.dataset.worker === button.dataset.all);
    button.textContent = mine.every((box) => box.checked) ? "Choose none" : "Choose all";
  }
}

function toggleAll(worker) {
  const mine = boxes().filter((box) => box.dataset.worker === worker);
  const on = !mine.every((box) => box.checked);
  for (const box of mine) box.checked = on;
  count();
}

const focused = () => boxes().indexOf(document.activeElement);

function step(by) {
  const all = boxes();
  const to = focused() < 0 ? 0 : Math.max(0, Math.min(all.length - 1, focused() + by));
  all[to]?.focus();
  all[to]?.closest("li").scrollIntoView({ block: "nearest" });
}

/** Open the dialog with a verdict; without anything chosen, the one in front is meant. */
function begin(verdict) {
  const front = boxes()[focused()];
  if (front && !boxes().some((box) => box.checked)) front.checked = true;
  count();
  if (!boxes().some((box) => box.checked)) return;
  if (verdict) judge.querySelector(`[value="${verdict}"]`).checked = true;
  if (!judge.matches(":popover-open")) judge.showPopover();
  judge.querySelector('[name="verdict"]:checked').focus();
}

if (judge) {
  const closed = () => !judge.matches(":popover-open");
  const key = (id, code, does, run) => ({ id, code, does, run, when: closed });
  const verdict = (id, code, does, value) => ({ id, code, does, run: () => begin(value) });
  new Keys("submissions", [
    key("next", "KeyJ", "next submission", () => step(1)),
    key("previous", "KeyK", "the one before", () => step(-1)),
    key("all", "KeyW", "all of this sender", () => focused() >= 0 && toggleAll(boxes()[focused()].dataset.worker)),
    verdict("accept", "KeyA", "accept the chosen ones", "accept"),
    verdict("pay", "KeyP", "pay, do not use", "soft"),
    verdict("reject", "KeyR", "reject", "reject"),
    { ...key("judge", "Enter", "judge the chosen ones", () => begin("")), when: () => closed() && focused() >= 0 },
  ]);
  document.addEventListener("change", count);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-all]");
    if (button) toggleAll(button.dataset.all);
  });
  for (const button of document.querySelectorAll("[data-all]")) button.hidden = false;
  count();
  if ("open" in judge.dataset) judge.showPopover();
}
