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

/**
 * @typedef {{t: number, late: number, published: number, low: number, high: number}} Forecast reached at `t`, or `late`;
 *   the money then is between `low` and `high`
 * @typedef {{t: number[], published: number[], spent: number[], forecast: Forecast | null}} BurnUp
 * @typedef {{t: number[], lines: {name: string, values: number[]}[]}} Lines
 */

/**
 * Published and spent in percent of plan on one axis.
 * @param {BurnUp} whole
 * @param {{published: string, spent: string}} labels
 * @param {number} width pixels of the place it is drawn in, so that its words keep their size
 * @returns {SVGElement}
 */
export function burnUp(whole, labels, width) {
  const data = withoutIdleStart(whole);
  const scale = scaleOf(data, width);
  const step = scale.ceiling <= 100 ? 25 : Math.ceil(scale.ceiling / 100) * 25;
  const last = data.t.length - 1;
  const now = scale.x(data.t[last]);
  const chart = s(
    "svg",
    { class: "chart", viewBox: `0 0 ${scale.width} ${HEIGHT}`, role: "img", "aria-label": `${labels.published}, ${labels.spent}` },
    ...gridLines(scale, step, (value) => `${value}%`),
    ...timeLabels(data, scale),
    s("path", { class: "area", d: `${line(data.t, data.published, scale)} L${now} ${scale.y(0)} L${scale.x(data.t[0])} ${scale.y(0)} Z` }),
    s("path", { class: "s2", d: line(data.t, data.spent, scale) }),
    s("path", { class: "s1", d: line(data.t, data.published, scale) }),
  );
  if (data.forecast) chart.append(...forecast(data, scale, now));
  chart.append(...endLabels(data, labels, scale, now));
  return chart;
}

/**
 * Several running totals on one axis of counts; the legend stands beside the chart.
 * @param {Lines} whole
 * @param {string} says the chart in a sentence
 * @param {number} width
 * @returns {SVGElement}
 */
export function lines(whole, says, width) {
  const from = idleUntil(whole.t, (place) => whole.lines.some((one) => one.values[place] > 0));
  const t = whole.t.slice(from);
  const all = whole.lines.map((one) => one.values.slice(from));
  const top = Math.max(4, ...all.flat());
  const step = niceStep(top / 4);
  const scale = scaleTo({ start: t[0], end: t[t.length - 1], ceiling: Math.ceil(top / step) * step, width });
  return s(
    "svg",
    { class: "chart", viewBox: `0 0 ${scale.width} ${HEIGHT}`, role: "img", "aria-label": says },
    ...gridLines(scale, step, (value) => value.toLocaleString("en")),
    ...timeLabels({ t }, scale),
    ...all.map((values, place) => s("path", { class: `c${place + 1}`, d: line(t, values, scale) })),
  );
}

/** 1, 2 or 5 times a power of ten, at least 1. */
function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
  return [1, 2, 5, 10].map((times) => times * power).find((value) => value >= rough) ?? 10 * power;
}

/** What is young has nothing to show for most of the span: begin one step before the first result. */
function idleUntil(t, isAny) {
  const first = t.findIndex((_, place) => isAny(place));
  return Math.max(0, Math.min(first < 0 ? 0 : first - 1, t.length - LEAST_STEPS));
}

function withoutIdleStart({ t, published, spent, forecast }) {
  const from = idleUntil(t, (place) => published[place] > 0 || spent[place] > 0);
  return { t: t.slice(from), published: published.slice(from), spent: spent.slice(from), forecast };
}

function scaleOf(data, width) {
  const end = Math.max(data.forecast ? data.forecast.late : 0, data.t[data.t.length - 1]);
  const top = Math.max(100, ...data.published, ...data.spent, data.forecast ? data.forecast.high : 0);
  return scaleTo({ start: data.t[0], end, ceiling: top <= 100 ? 100 : Math.ceil(top / 25) * 25, width });
}

function scaleTo({ start, end, ceiling, width: given }) {
  const width = Math.max(LEAST_WIDTH, Math.round(given));
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

function gridLines(scale, step, words) {
  const drawn = [];
  for (let value = 0; value <= scale.ceiling; value += step) {
    const y = scale.y(value);
    drawn.push(
      s("line", { class: "gridline", x1: EDGE.left, x2: scale.width - EDGE.right, y1: y, y2: y }),
      s("text", { x: EDGE.left - 8, y: y + 4, "text-anchor": "end" }, words(value)),
    );
  }
  return drawn;
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

/** Dashed to the middle of what is expected, with a band to its late end and between the two prices. */
function forecast(data, scale, now) {
  const last = data.t.length - 1;
  const { t, late, published, low, high } = data.forecast;
  const [from, spent] = [scale.y(data.published[last]), scale.y(data.spent[last])];
  const [soon, later] = [scale.x(t), scale.x(late)];
  return [
    s("path", { class: "band s1", d: `M${now} ${from} L${soon} ${scale.y(published)} L${later} ${scale.y(published)} Z` }),
    s("path", { class: "band", d: `M${now} ${spent} L${soon} ${scale.y(high)} L${later} ${scale.y(high)} L${later} ${scale.y(low)} Z` }),
    s("line", { class: "now", x1: now, x2: now, y1: scale.y(scale.ceiling), y2: scale.y(0) }),
    s("path", { class: "s1 dash", d: `M${now} ${from} L${soon} ${scale.y(published)}` }),
    s("path", { class: "s2 dash", d: `M${now} ${spent} L${soon} ${scale.y((low + high) / 2)}` }),
  ];
}

/** Name the ends of both lines: the higher one above its point, the lower one below; both above where none fits below. */
function endLabels(data, labels, scale, now) {
  const last = data.t.length - 1;
  const ends = { s1: scale.y(data.published[last]), s2: scale.y(data.spent[last]) };
  const isLeft = now > scale.width * 0.6;
  const [higher, lower] = ends.s1 <= ends.s2 ? ["s1", "s2"] : ["s2", "s1"];
  const below = ends[lower] + 18;
  const y = { [lower]: below <= HEIGHT - EDGE.bottom - 6 ? below : ends[higher] - 10 };
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
