/**
 * The wizard of a new project and the settings of a pool: the balance of speed and quality over the ratings of people
 * we know, steps of prices that leave no gap, and the command line to copy. Without it every field still works.
 */
import { copyFrom } from "./lib/copy.js";
import { dataOf, s } from "./lib/dom.js";

const WIDTH = 720;
const HEIGHT = 72;
const TOP = 100;

/** Add up the people of the crowds that are chosen for a stage. */
function peopleOf(form, stage, crowds) {
  const ticked = [...form.querySelectorAll(`[name="${stage}.platforms"]:checked`)].map((box) => box.value);
  const own = form.dataset.crowd ?? form.querySelector('[name="platform"]:checked')?.value;
  const chosen = (ticked.length ? ticked : [own]).map((name) => crowds[name]).filter(Boolean);
  const bins = [];
  for (const crowd of chosen) crowd.bins.forEach((n, at) => { bins[at] = (bins[at] ?? 0) + n; });
  const known = chosen.reduce((sum, crowd) => sum + crowd.known, 0);
  return { bins, known, deaf: chosen.filter((crowd) => !crowd.sees).map((crowd) => crowd.label) };
}

/** The best-rated stand on the left: bars from there to the share are let in. */
function drawBars(svg, bins, share) {
  const best = [...bins].reverse();
  const all = best.reduce((sum, n) => sum + n, 0);
  svg.toggleAttribute("hidden", all === 0);
  const most = Math.max(...best, 1);
  const step = WIDTH / (best.length || 1);
  let before = 0;
  svg.replaceChildren(...best.map((n, at) => {
    const height = n ? Math.max(3, ((HEIGHT - 2) * n) / most) : 1;
    const isIn = before < (all * share) / TOP;
    before += n;
    return s("rect", { x: at * step + 2, y: HEIGHT - height, width: step - 4, height, rx: 2.5, class: isIn ? "in" : null });
  }));
}

function showBalance(form, box, crowds) {
  const slider = box.querySelector("input[type=range]");
  const share = Number(slider.value);
  const { bins, known, deaf } = peopleOf(form, box.dataset.balance, crowds);
  const count = Math.floor((known * share) / TOP);
  const who = share === TOP ? "Everybody" : `The best ${share}\u00a0%`;
  const said = known ? `Available to ${count.toLocaleString("en")} of ${known.toLocaleString("en")} people` : who;
  const small = document.createElement("small");
  const about = known ? `${who.toLowerCase()}, of those we know here` : "only the platform knows how many they are";
  small.textContent = share < TOP && deaf.length ? `${about}; ${deaf.join(", ")} does not filter by rating` : about;
  box.querySelector("[data-chosen]").replaceChildren(said, small);
  slider.setAttribute("aria-valuetext", known ? `${who}, ${count} people` : who);
  drawBars(box.querySelector("svg"), bins, share);
}

const input = (row, name) => row.querySelector(`[name$=".steps.${name}"]`);
const tell = (element) => element.dispatchEvent(new Event("input", { bubbles: true }));

/** A new step takes the upper half of the last one, so that no gap arises. */
function addStep(box) {
  const list = box.querySelector(".step-rows");
  const last = list.lastElementChild;
  const row = box.querySelector("template").content.firstElementChild.cloneNode(true);
  const low = last ? Number(input(last, "low").value) || 0 : 0;
  const middle = last ? Math.min(TOP - 1, Math.max(low, Math.floor((low + TOP) / 2))) : -1;
  if (last) input(last, "high").value = String(middle);
  input(row, "low").value = String(middle + 1);
  input(row, "high").value = String(TOP);
  input(row, "price_usd").value = last ? input(last, "price_usd").value : document.getElementById(`${box.dataset.steps}.price_usd`)?.value ?? "";
  list.append(row);
  input(row, "low").focus();
  tell(list);
}

/** The neighbour below takes over what a removed step covered; the lowest leaves it to the one above. */
function dropStep(box, row) {
  const [below, above] = [row.previousElementSibling, row.nextElementSibling];
  if (below) input(below, "high").value = input(row, "high").value;
  else if (above) input(above, "low").value = input(row, "low").value;
  row.remove();
  (above?.querySelector("input") ?? below?.querySelector("input") ?? box.querySelector("[data-add-step]")).focus();
  tell(box);
}

/** Keep neighbours touching while one of their ends is typed. */
function closeGap(field) {
  const row = field.closest(".step-rows li");
  const value = Number(field.value);
  if (!row || field.value.trim() === "" || !Number.isInteger(value)) return;
  const [below, above] = [row.previousElementSibling, row.nextElementSibling];
  if (field.name.endsWith(".high") && above) input(above, "low").value = String(value + 1);
  if (field.name.endsWith(".low") && below) input(below, "high").value = String(value - 1);
}

/** What was typed in the last moment before leaving is kept too: the page is gone before its usual time to save. */
function keepTheLast(form) {
  const saver = form.querySelector("[hx-post]");
  if (!saver) return;
  let unsaved = false;
  form.addEventListener("input", () => { unsaved = true; });
  form.addEventListener("submit", () => { unsaved = false; });
  saver.addEventListener("htmx:beforeRequest", () => { unsaved = false; });
  addEventListener("pagehide", () => {
    if (unsaved) fetch(saver.getAttribute("hx-post"), { method: "POST", body: new FormData(form), keepalive: true });
    unsaved = false;
  });
}

const form = document.querySelector("form.wizard");
if (form && !form.dataset.ready) {
  form.dataset.ready = "yes";
  const crowds = dataOf("crowd-people") ?? {};
  const showAll = () => form.querySelectorAll("[data-balance]").forEach((box) => showBalance(form, box, crowds));
  form.addEventListener("input", (event) => {
    if (event.target instanceof HTMLInputElement) closeGap(event.target);
    showAll();
  });
  form.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button) return;
    if ("addStep" in button.dataset) addStep(button.closest("[data-steps]"));
    else if ("dropStep" in button.dataset) dropStep(button.closest("[data-steps]"), button.closest("li"));
    else if (button.dataset.copy) copyFrom(document.getElementById(button.dataset.copy), button.querySelector("span"));
  });
  const usePreset = document.getElementById("use-preset");
  if (usePreset) {
    usePreset.closest("[data-without-script]").hidden = true;
    form.addEventListener("change", (event) => {
      if ("recipe" in event.target.dataset) usePreset.click();
    });
  }
  keepTheLast(form);
  form.querySelector("[data-focus]")?.focus();
  showAll();
}
