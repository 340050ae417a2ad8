// What a page that is paid by the hour is worth so far. The server measures the time; this only shows it meanwhile.

const note = document.querySelector("[data-time-pay]");
const [hourly, most, spent] = ["hourly", "most", "spent"].map((name) => Number(note.dataset[name]));
const out = note.querySelector("[data-so-far]");
const before = out.textContent.replace(/[\d.,]+.*$/, "");
const began = performance.now();

function show() {
  const micro = Math.min(most, (hourly * (spent + performance.now() - began)) / 3_600_000);
  out.textContent = before + (micro / 1_000_000).toFixed(2);
}

setInterval(show, 5_000);
