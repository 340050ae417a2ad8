// A look at a photo or video before it is sent: a phone's data is the worker's money. The server looks again.

import { number, t } from "./words.js";

const MEGABYTE = 1024 * 1024;
const PREVIEW = 480, TILES = 4, SHARPEST = 4, FLOOR = 0.5, BLURRED = 2.1;
const ROUNDING_SECONDS = 0.5;
const PATIENCE_MS = 5000;

/** @typedef {{media: string, least: [number, number], seconds: [number, number], most_bytes: number}} Wanted */

/**
 * @param {File} file @param {Wanted} wanted
 * @returns {Promise<{problem?: string, note?: string, warns?: boolean}>} a problem: it cannot be sent
 */
export async function inspect(file, wanted) {
  if (file.size > wanted.most_bytes) {
    return { problem: t("The file has {n} MB; at most {most} MB can be sent.", { n: number(file.size / MEGABYTE, 1), most: number(wanted.most_bytes / MEGABYTE) }) };
  }
  return wanted.media === "video" ? inspectVideo(file, wanted) : inspectPhoto(file, wanted);
}

async function inspectPhoto(file, { least }) {
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return { problem: t("This file is no picture that can be opened here. Take a photo, or choose a JPEG.") };
  const { width, height } = picture;
  const ratio = detail(picture, width, height);
  picture.close();
  if (isTooSmall(width, height, least)) {
    return { problem: t("The photo is {width} by {height} pixels; at least {long} by {short} are needed.", sizes(width, height, least)) };
  }
  if (ratio < BLURRED) return { note: t("The photo looks blurred. Take another one, or send it if it is sharp where it matters."), warns: true };
  return { note: t("{width} by {height} pixels. Is everything asked for in it?", { width, height }) };
}

async function inspectVideo(file, { least, seconds }) {
  const facts = await factsOf(file);
  if (!facts) return { note: t("This video cannot be looked at here. It can be sent all the same and is checked there."), warns: true };
  const { width, height, lasts } = facts;
  const told = { seconds: number(lasts, 1), least: number(seconds[0], 1), most: number(seconds[1], 1) };
  if (lasts < seconds[0] - ROUNDING_SECONDS) return { problem: t("The video lasts {seconds} s; at least {least} s are needed.", told) };
  if (seconds[1] && lasts > seconds[1] + ROUNDING_SECONDS) return { problem: t("The video lasts {seconds} s; at most {most} s are allowed.", told) };
  if (isTooSmall(width, height, least)) {
    return { problem: t("The video is {width} by {height} pixels; at least {long} by {short} are needed.", sizes(width, height, least)) };
  }
  return { note: t("{seconds} s, {width} by {height} pixels. Is everything asked for in it?", { ...told, width, height }) };
}

const isTooSmall = (width, height, [long, short]) => Math.max(width, height) < long || Math.min(width, height) < short;
const sizes = (width, height, [long, short]) => ({ width, height, long, short });

/** Length and size of a video, or nothing where the browser cannot play it or a recording does not know its length. */
async function factsOf(file) {
  const video = document.createElement("video"), url = URL.createObjectURL(file);
  Object.assign(video, { preload: "metadata", muted: true, src: url });
  const known = await new Promise((resolve) => {
    video.onloadedmetadata = () => resolve(true);
    video.onerror = () => resolve(false);
    setTimeout(() => resolve(false), PATIENCE_MS);
  });
  const facts = { lasts: video.duration, width: video.videoWidth, height: video.videoHeight };
  URL.revokeObjectURL(url);
  return known && Number.isFinite(facts.lasts) && facts.width ? facts : null;
}

/**
 * How many times the variance of the Laplacian falls when the picture is blurred by one more pixel: what is blurred
 * already loses little. The same measure as the server's, so that the two rarely disagree.
 * @param {CanvasImageSource} picture
 */
export function detail(picture, width, height) {
  const scale = Math.min(1, PREVIEW / Math.max(width, height));
  const w = Math.max(8, Math.round(width * scale)), h = Math.max(8, Math.round(height * scale));
  const grey = greyOf(picture, w, h);
  const fine = variances(grey, w, h), coarse = variances(blurred(grey, w, h), w, h);
  const sharpest = fine.map((_, at) => at).sort((a, b) => fine[b] - fine[a]).slice(0, SHARPEST);
  return Math.max(...sharpest.map((at) => fine[at] / (coarse[at] + FLOOR)));
}

function greyOf(picture, w, h) {
  const canvas = Object.assign(document.createElement("canvas"), { width: w, height: h });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, w, h);
  const { data } = context.getImageData(0, 0, w, h);
  return Float32Array.from({ length: w * h }, (_, at) => 0.299 * data[at * 4] + 0.587 * data[at * 4 + 1] + 0.114 * data[at * 4 + 2]);
}

const WEIGHTS = [-3, -2, -1, 0, 1, 2, 3].map((x) => Math.exp((-x * x) / 2));
const SUM = WEIGHTS.reduce((a, b) => a + b);

function blurred(grey, w, h) {
  const across = convolved(grey, w, h, 1, 0);
  return convolved(across, w, h, 0, 1);
}

function convolved(grey, w, h, dx, dy) {
  const held = (value, last) => Math.min(last, Math.max(0, value));
  return Float32Array.from({ length: w * h }, (_, at) => {
    const x = at % w, y = (at - x) / w;
    let sum = 0;
    for (let k = -3; k <= 3; k += 1) sum += WEIGHTS[k + 3] * grey[held(y + dy * k, h - 1) * w + held(x + dx * k, w - 1)];
    return sum / SUM;
  });
}

/** Of each of 4 by 4 tiles, the variance of the Laplacian. */
function variances(grey, w, h) {
  const found = Array.from({ length: TILES * TILES }, () => ({ n: 0, sum: 0, squares: 0 }));
  for (let y = 1; y < h - 1; y += 1) {
    for (let x = 1; x < w - 1; x += 1) {
      const at = y * w + x;
      const value = grey[at - 1] + grey[at + 1] + grey[at - w] + grey[at + w] - 4 * grey[at];
      const tile = found[Math.floor((y * TILES) / h) * TILES + Math.floor((x * TILES) / w)];
      tile.n += 1;
      tile.sum += value;
      tile.squares += value * value;
    }
  }
  return found.map(({ n, sum, squares }) => (n ? squares / n - (sum / n) ** 2 : 0));
}
