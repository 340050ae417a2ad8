/**
 * Charts as SVG, drawn from numbers the server computed. Each chart has a table beside it for those who cannot see it.
 */
import { s } from "./dom.js";

const LEAST_WIDTH = 300;
const HEIGHT = 320;
const LINE = 17;
const LABEL = 60;
const LEAST_STEPS = 12;
const EDGE = { left: 44, right: 20, top: 14, bottom: 28 };

/** @typedef {{t: number[], published: number[], spent: number[], forecast: {t: number, published: number, spent: number} | null}} BurnUp */

/**
 * Published and spent in percent of plan on one axis.
 * @param {BurnUp} whole
 * @param {{published: string, spent: string}} labels
 * @param {number} width pixels of the place it is drawn in, so that its words keep their size
 * @returns {SVGElement}
 */
export function burnUp(whole, labels, width) {
  const data = withoutIdleStart(whole);
  const scale = scaleOf(data, Math.max(LEAST_WIDTH, Math.round(width)));
  const last = data.t.length - 1;
  const now = scale.x(data.t[last]);
  const chart = s(
    "svg",
    { class: "chart", viewBox: `0 0 ${scale.width} ${HEIGHT}`, role: "img", "aria-label": `${labels.published}, ${labels.spent}` },
    ...gridLines(scale),
    ...timeLabels(data, scale),
    s("path", { class: "area", d: `${line(data.t, data.published, scale)} L${now} ${scale.y(0)} L${scale.x(data.t[0])} ${scale.y(0)} Z` }),
    s("path", { class: "s2", d: line(data.t, data.spent, scale) }),
    s("path", { class: "s1", d: line(data.t, data.published, scale) }),
  );
  if (data.forecast) chart.append(...forecast(data, scale, now));
  chart.append(...endLabels(data, labels, scale, now));
  return chart;
}

/** A young project has nothing to show for most of the span: begin one step before the first result. */
function withoutIdleStart({ t, published, spent, forecast }) {
  const first = t.findIndex((_, place) => published[place] > 0 || spent[place] > 0);
  const from = Math.max(0, Math.min(first < 0 ? 0 : first - 1, t.length - LEAST_STEPS));
  return { t: t.slice(from), published: published.slice(from), spent: spent.slice(from), forecast };
}

function scaleOf(data, width) {
  const start = data.t[0];
  const end = Math.max(data.forecast ? data.forecast.t : 0, data.t[data.t.length - 1]);
  const top = Math.max(100, ...data.published, ...data.spent, data.forecast ? data.forecast.spent : 0);
  const ceiling = top <= 100 ? 100 : Math.ceil(top / 25) * 25;
  const wide = width - EDGE.left - EDGE.right;
  const high = HEIGHT - EDGE.top - EDGE.bottom;
  return {
    width,
    start,
    end,
    ceiling,
    x: (t) => round(EDGE.left + (wide * (t - start)) / Math.max(1, end - start)),
    y: (value) => round(EDGE.top + high * (1 - value / ceiling)),
  };
}

function gridLines(scale) {
  const step = scale.ceiling <= 100 ? 25 : Math.ceil(scale.ceiling / 100) * 25;
  const lines = [];
  for (let value = 0; value <= scale.ceiling; value += step) {
    const y = scale.y(value);
    lines.push(
      s("line", { class: "gridline", x1: EDGE.left, x2: scale.width - EDGE.right, y1: y, y2: y }),
      s("text", { x: EDGE.left - 8, y: y + 4, "text-anchor": "end" }, `${value}%`),
    );
  }
  return lines;
}

function timeLabels(data, scale) {
  const now = data.t[data.t.length - 1];
  const apart = (from, to) => scale.x(to) - scale.x(from) > LABEL;
  const middle = scale.start + (now - scale.start) / 2;
  const times = [scale.start];
  if (apart(scale.start, middle)) times.push(middle);
  if (apart(scale.start, now)) times.push(now);
  if (apart(now, scale.end)) times.push(scale.end);
  return times.map((t, place) =>
    s(
      "text",
      { x: scale.x(t), y: HEIGHT - 8, "text-anchor": place === 0 ? "start" : place === times.length - 1 ? "end" : "middle" },
      when(t, scale.end - scale.start),
    ),
  );
}

function when(seconds, span) {
  const date = new Date(seconds * 1000);
  const options = span > 3 * 86_400 ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" };
  return date.toLocaleString("en-GB", options);
}

function line(times, values, scale) {
  return times.map((t, place) => `${place ? "L" : "M"}${scale.x(t)} ${scale.y(values[place])}`).join(" ");
}

function forecast(data, scale, now) {
  const last = data.t.length - 1;
  const dashed = (series, value) =>
    s("path", { class: `${series} dash`, d: `M${now} ${scale.y(value)} L${scale.x(data.forecast.t)} ${scale.y(data.forecast[series === "s1" ? "published" : "spent"])}` });
  return [
    s("line", { class: "now", x1: now, x2: now, y1: scale.y(scale.ceiling), y2: scale.y(0) }),
    dashed("s1", data.published[last]),
    dashed("s2", data.spent[last]),
  ];
}

/** Name the ends of both lines; the higher one above its point, the lower one below, so that they never meet. */
function endLabels(data, labels, scale, now) {
  const last = data.t.length - 1;
  const ends = { s1: scale.y(data.published[last]), s2: scale.y(data.spent[last]) };
  const isLeft = now > scale.width * 0.6;
  const [higher, lower] = ends.s1 <= ends.s2 ? ["s1", "s2"] : ["s2", "s1"];
  const y = { [lower]: Math.min(HEIGHT - EDGE.bottom - 6, ends[lower] + 18) };
  y[higher] = Math.max(12, Math.min(ends[higher] - 10, y[lower] - LINE));
  const text = (series, words) =>
    s("text", { class: series, x: isLeft ? now - 10 : now + 10, y: y[series], "text-anchor": isLeft ? "end" : "start" }, words);
  return [
    s("circle", { class: "s2", cx: now, cy: ends.s2, r: 3.5 }),
    s("circle", { class: "s1", cx: now, cy: ends.s1, r: 3.5 }),
    text("s1", labels.published),
    text("s2", labels.spent),
  ];
}

function round(number) {
  return Math.round(number * 10) / 10;
}
