/**
 * The aggregation lab: sliders beside their numbers, settings of the chosen method alone, a command to copy. The server
 * does all counting; without this module every number can still be typed and sent.
 */
import { copyFrom } from "./lib/copy.js";

const form = document.querySelector("#lab-form");

/** A slider and its number show the same; the number is what is sent. */
function pair(slider) {
  const number = document.getElementById(slider.dataset.for);
  slider.hidden = false;
  slider.addEventListener("input", () => { number.value = String(Number(slider.value)); });
  number.addEventListener("input", () => {
    const value = Number(number.value);
    if (number.value.trim() && Number.isFinite(value)) slider.value = String(value);
  });
}

/** Show only what the chosen method and the way of buying use. */
function suit() {
  const method = form.elements.method;
  for (const field of form.querySelectorAll("[data-methods]")) {
    field.hidden = !field.dataset.methods.split(" ").includes(method.value);
  }
  for (const field of form.querySelectorAll("[data-buy]")) field.hidden = field.dataset.buy !== form.elements.buy_when.value;
  document.getElementById("help-method").textContent = method.selectedOptions[0].dataset.about;
}

function showCopyButtons() {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
}

/** One sentence for those who hear the page, when the numbers have come. */
function say() {
  document.getElementById("lab-said").textContent = document.getElementById("results")?.dataset.said ?? "";
}

function mark(isBusy) {
  document.getElementById("results")?.setAttribute("aria-busy", String(isBusy));
}

if (form && !form.dataset.ready) {
  form.dataset.ready = "yes";
  form.querySelectorAll("[data-for]").forEach(pair);
  // On a narrow screen the form stands above the result: what is turned rarely makes room for it.
  if (matchMedia("(max-width: 1100px)").matches) for (const group of form.querySelectorAll(".more-settings")) group.open = false;
  form.addEventListener("input", suit);
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
    if (button) copyFrom(document.getElementById(button.dataset.copy), button.querySelector("span"));
  });
  form.addEventListener("htmx:beforeRequest", () => mark(true));
  form.addEventListener("htmx:afterRequest", () => { mark(false); say(); });
  // A setting that is out of bounds is answered with 400 and a sentence, which belongs on the page.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status !== 400) return;
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  });
  document.body.addEventListener("htmx:load", showCopyButtons);
  suit();
  showCopyButtons();
}
