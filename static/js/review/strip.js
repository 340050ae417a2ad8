// The queue on the left: what was just decided, what is open, what comes.

import { h } from "../lib/dom.js";

const BEFORE = 3;
const AFTER = 12;
export const WORDS = {
  accept: ["check", "Accepted"],
  fix: ["pencil", "Fixed"],
  reject: ["x", "Rejected"],
  send_back: ["undo-2", "Sent back"],
  one_more: ["user-plus", "One more asked"],
  hold: ["flag", "Put aside"],
  refused: ["triangle-alert", "Not saved"],
};

/** A copy of an icon that the page brought along. */
export function icon(name) {
  const found = document.getElementById("icons")?.content.querySelector(`[data-name="${name}"] svg`);
  return found ? found.cloneNode(true) : document.createTextNode("");
}

/** @type {Map<string, {looks: string, node: HTMLElement}>} cells by image: one that looks the same is kept as it is */
let drawn = new Map();

/** @param {HTMLElement} root @param {import("./decisions.js").Decisions} decisions */
export function drawStrip(root, decisions) {
  const { items, at } = decisions;
  const first = Math.max(0, Math.min(at, items.length - 1) - BEFORE);
  const cells = items.slice(first, at + AFTER).map((item, n) => {
    const looks = `${first + n} ${first + n === at} ${decisions.done.get(item.id)?.verdict} ${item.seen}`;
    const before = drawn.get(item.id);
    return [item.id, before?.looks === looks ? before : { looks, node: cell(item, first + n, decisions) }];
  });
  drawn = new Map(cells);
  root.replaceChildren(...cells.map(([, { node }]) => node));
  root.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function cell(item, at, decisions) {
  const done = decisions.done.get(item.id);
  const [sign, word] = done ? WORDS[done.verdict] : ["", item.lowest_iou === null ? "Open" : `Open, lowest IoU ${item.lowest_iou.toFixed(2)}`];
  const button = h("button", { type: "button", class: `rv-thumb ${done ? "done" : ""}`, "aria-label": `${at + 1}: ${word}` });
  if (at === decisions.at) button.setAttribute("aria-current", "true");
  button.append(h("img", { src: item.image.thumb, alt: "", loading: "lazy", decoding: "async" }));
  if (done) button.append(h("span", { class: `mark ${done.verdict}` }, icon(sign)));
  else if (item.lowest_iou !== null) button.append(h("span", { class: "mark iou num" }, item.lowest_iou.toFixed(2)));
  button.addEventListener("click", () => decisions.go(at));
  return h("li", {}, button);
}
