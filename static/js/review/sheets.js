// Two sheets beside the queue: the last decisions, to be opened again, and pictures that resemble the one in front.

import { h } from "../lib/dom.js";
import { icon, WORDS } from "./strip.js";

const TOO_MANY = "There are too many pictures to look through all of them while you wait.";
const clock = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** A dialog with a title; it leaves the page when it is closed. */
function sheet(title, ...content) {
  const close = h("button", { type: "button", class: "btn" }, "Close");
  const dialog = h("dialog", { class: "rv-sheet", "aria-labelledby": "rv-sheet-title" });
  dialog.append(h("header", {}, h("h2", { id: "rv-sheet-title" }, title), close), ...content);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * @param {{key: string, class: string, verdict: string, reason: string, at: string, thumb: string}[]} decisions newest first
 * @param {(key: string) => void} reopen
 */
export function openRecent(decisions, reopen) {
  const rows = decisions.map((one) => {
    const again = h("button", { type: "button", class: "btn" }, "Open again");
    again.addEventListener("click", () => {
      dialog.close();
      reopen(one.key);
    });
    const [sign, word] = WORDS[one.verdict];
    const said = [word, one.reason].filter(Boolean).join(": ");
    const picture = h("img", { src: one.thumb, alt: one.class ? `Photo for ${one.class}` : "Photo", loading: "lazy" });
    const at = h("time", { datetime: one.at, class: "num" }, clock.format(new Date(one.at)));
    return h("li", {}, picture, h("span", { class: `mark ${one.verdict}` }, icon(sign)), h("span", {}, said), at, again);
  });
  const nothing = h("p", { class: "hint" }, "You have decided nothing here yet.");
  const list = rows.length ? h("ol", { class: "rv-recent" }, ...rows) : nothing;
  const hint = h("p", { class: "hint" }, "Opening one again takes it back: the image returns to review.");
  const dialog = sheet("Your last decisions", hint, list);
}

/** @param {{too_many: boolean, too_many_sent: boolean, near: object[], same_sender: object[]}} found */
export function openSimilar(found) {
  const near = found.near.map((one) => thumb(one, one.bits === 0 ? "same look" : `${one.bits} of 64 bits differ`));
  const sent = found.same_sender.map((one) => thumb(one, ""));
  sheet(
    "Similar images",
    ...group("Look alike", near, found.too_many ? TOO_MANY : "No other picture of the project looks like this one."),
    ...group("By the same sender", sent, found.too_many_sent ? TOO_MANY : "Nobody sent anything else with it."),
  );
}

function group(title, thumbs, nothing) {
  return [h("h3", {}, title), thumbs.length ? h("ul", { class: "rv-similar" }, ...thumbs) : h("p", { class: "hint" }, nothing)];
}

function thumb({ page, thumb: src, state, name }, note) {
  const picture = h("img", { src, alt: name || "Photo", loading: "lazy" });
  const link = h("a", { href: page, target: "_blank", rel: "noopener" }, picture);
  return h("li", {}, link, h("span", { class: "num" }, [note, state].filter(Boolean).join(" · ")));
}
