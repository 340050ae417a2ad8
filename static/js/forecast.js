/**
 * The knobs of a forecast: a slider and its number field move each other, what differs from the recipe is marked, and
 * the form that starts a campaign carries what stands in the fields. Without it the fields and their button still work.
 */

/** @param {HTMLFormElement} form @param {string} name @returns {HTMLInputElement} */
const fieldOf = (form, name) => form.elements.namedItem(name);

/** @param {HTMLInputElement} field */
function mark(field) {
  if (field.dataset.usual !== undefined) field.classList.toggle("turned", field.value.trim() !== field.dataset.usual);
}

/** @param {HTMLFormElement} form @param {HTMLInputElement} field */
function sliderOf(form, field) {
  return [...form.querySelectorAll("[data-turns]")].find((one) => one.dataset.turns === field.name);
}

/** @param {HTMLFormElement} form @param {HTMLInputElement} input */
function follow(form, input) {
  if (input.dataset.turns) {
    const field = fieldOf(form, input.dataset.turns);
    field.value = input.value;
    mark(field);
  } else {
    const slider = sliderOf(form, input);
    if (slider) slider.value = input.value;
    mark(input);
  }
}

/** Put every knob where the recipe has it. */
function asUsual(form) {
  for (const field of form.querySelectorAll("[data-usual]")) {
    field.value = field.dataset.usual;
    follow(form, field);
  }
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Copy what was asked into the form that starts a campaign. */
function carry(from, to) {
  to.querySelectorAll("[data-carried]").forEach((one) => one.remove());
  for (const [name, value] of new FormData(from)) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    field.dataset.carried = "";
    to.append(field);
  }
}

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("what-if"));
if (form && !form.dataset.ready) {
  form.dataset.ready = "yes";
  form.querySelectorAll("[data-usual]").forEach(mark);
  form.addEventListener("input", (event) => {
    if (event.target instanceof HTMLInputElement) follow(form, event.target);
  });
  form.addEventListener("change", (event) => {
    if (event.target instanceof HTMLSelectElement && "resubmit" in event.target.dataset) {
      const { recipe, images, people } = Object.fromEntries(new FormData(form));
      location.assign(`${form.action}?${new URLSearchParams({ recipe, images, people })}`);
    }
  });
  form.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-as-usual]")) asUsual(form);
  });
  const start = /** @type {HTMLFormElement} */ (document.getElementById("start-plan"));
  start.addEventListener("submit", () => carry(form, start));
}
