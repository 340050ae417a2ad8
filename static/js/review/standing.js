// What the top bar says of the work: how much is done and left, the pace, the agreement with controls, a break.

import { noteWork } from "./rest.js";

const $ = (id) => document.getElementById(id);
const format = new Intl.NumberFormat("en-US");

/**
 * @param {{done: number, left: number, per_hour: number, with_others: number, controls: number, agreed: number}} standing
 */
export function showStanding({ done, left, per_hour: pace, with_others: others, controls, agreed }) {
  $("done").textContent = format.format(done);
  $("left").textContent = format.format(left);
  $("pace").textContent = pace ? `${format.format(pace)} an hour` : "";
  $("progress").max = Math.max(1, done + left);
  $("progress").value = done;
  $("agreement").hidden = !controls;
  const share = Math.round((100 * agreed) / Math.max(1, controls));
  $("agreement").textContent = controls ? `${share}\u00a0% of ${format.format(controls)} controls` : "";
  $("others").textContent = others ? `${format.format(others)} are with other reviewers.` : "";
}

/** Say how long somebody has worked without a break, once that is long. */
export function showRest() {
  const minutes = noteWork();
  $("rest").textContent = minutes ? `${minutes} minutes without a break` : "";
}

/** How many decisions wait for the network. @param {{waiting: number, offline: boolean}} queue */
export function showWaiting({ waiting, offline }) {
  document.body.dataset.unsent = String(waiting);
  $("unsent").hidden = !offline;
  const said = waiting === 1 ? "1 decision waits for the network. It is" : `${format.format(waiting)} decisions wait for the network. They are`;
  $("unsent").textContent = offline ? `${said} kept on this device.` : "";
}

let silence;

/** Take a hint away that is done with; what went wrong stays to be read. */
export function hush() {
  if ($("toast").dataset.tone !== "bad") $("toast").textContent = "";
}

/** A sentence at the foot of the screen. */
export function say(text, tone = "") {
  $("toast").textContent = text;
  $("toast").dataset.tone = tone;
  clearTimeout(silence);
  silence = setTimeout(() => ($("toast").textContent = ""), 6000);
}
