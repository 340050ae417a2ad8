// What a page that is paid by the hour is worth so far. The server measures the time; this only shows it meanwhile.

const note = document.querySelector("[data-time-pay]");
const [hourly, most, spent] = ["hourly", "most", "spent"].map((name) => Number(note.dataset[name]));
const out = note.querySelector("[data-so-far]");
const money = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: note.dataset.currency });
const began = performance.now();

function show() {
  const micro = Math.min(most, (hourly * (spent + performance.now() - began)) / 3_600_000);
  out.textContent = money.format(micro / 1_000_000);
}

setInterval(show, 5_000);
