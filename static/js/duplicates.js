/**
 * The distance as a slider that says at once what would be kept; letting go shows the groups. Without this module the
 * distance is chosen from a list.
 */
const form = document.querySelector("#near");
const number = new Intl.NumberFormat("en");

function slide(kept) {
  const slider = form.querySelector("#slider");
  const choice = form.querySelector("#d");
  const apply = document.querySelector("#apply-d");
  const of = Number(form.dataset.of);

  function say(place) {
    const stop = kept[place];
    choice.value = String(stop.d);
    document.querySelector("#kept").textContent = number.format(stop.kept);
    document.querySelector("#goes").textContent = number.format(of - stop.kept);
    if (!apply) return;
    apply.value = String(stop.d);
    document.querySelector("#apply-goes").textContent = number.format(of - stop.kept);
    apply.form.querySelector("button").disabled = of === stop.kept;
  }

  slider.hidden = false;
  slider.setAttribute("aria-valuetext", choice.selectedOptions[0].textContent);
  slider.addEventListener("input", () => {
    say(Number(slider.value));
    slider.setAttribute("aria-valuetext", choice.selectedOptions[0].textContent);
  });
  slider.addEventListener("change", () => form.requestSubmit());
  choice.addEventListener("change", () => form.requestSubmit());
}

if (form) slide(JSON.parse(document.querySelector("#kept-at").textContent));

// A suggestion fills its field; nothing is sent before somebody asks.
document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-set]") : null;
  if (!button) return;
  const field = document.getElementById(button.dataset.set);
  field.value = button.dataset.value;
  field.focus();
});
