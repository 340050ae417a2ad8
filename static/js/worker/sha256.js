// SHA-256 of a file. Browsers offer it only on secure pages and for files that fit into memory at once; in a house
// network over plain HTTP, and for long videos, this does it in slices (FIPS 180-4).

const primes = (() => {
  const found = [];
  for (let n = 2; found.length < 64; n += 1) if (found.every((prime) => n % prime)) found.push(n);
  return found;
})();
const fraction = (value) => ((value - Math.floor(value)) * 2 ** 32) | 0;
const START = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const STEPS = primes.map((prime) => fraction(Math.cbrt(prime)));
const turn = (word, by) => (word >>> by) | (word << (32 - by));
const SLICE = 4 * 1024 * 1024; // a multiple of the 64 bytes of a block
const AT_ONCE = 32 * 1024 * 1024;

/** @param {Blob} file @returns {Promise<string>} 64 hexadecimal letters */
export async function sha256(file) {
  const short = crypto.subtle && file.size <= AT_ONCE;
  const digest = short ? await crypto.subtle.digest("SHA-256", await file.arrayBuffer()) : await inSlices(file);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Blob} file @param {number} [slice] bytes, a multiple of 64 @returns {Promise<ArrayBuffer>} 32 bytes */
export async function inSlices(file, slice = SLICE) {
  const state = Int32Array.from(START), words = new Int32Array(64);
  const whole = file.size - (file.size % 64);
  for (let at = 0; at < whole; at += slice) {
    take(state, words, await file.slice(at, Math.min(at + slice, whole)).arrayBuffer());
  }
  take(state, words, padded(new Uint8Array(await file.slice(whole).arrayBuffer()), file.size));
  const result = new DataView(new ArrayBuffer(32));
  state.forEach((word, at) => result.setInt32(at * 4, word));
  return result.buffer;
}

function take(state, words, buffer) {
  const view = new DataView(buffer);
  for (let at = 0; at < buffer.byteLength; at += 64) mix(state, words, view, at);
}

/** The last bytes with the mark of the end and the length of all, in bits. */
function padded(rest, length) {
  const block = new Uint8Array(((rest.length + 8) >> 6 << 6) + 64);
  block.set(rest);
  block[rest.length] = 0x80;
  const view = new DataView(block.buffer);
  view.setUint32(block.length - 8, Math.floor(length / 2 ** 29));
  view.setUint32(block.length - 4, length << 3);
  return block.buffer;
}

function mix(state, words, view, at) {
  for (let t = 0; t < 64; t += 1) words[t] = t < 16 ? view.getInt32(at + t * 4) : spread(words, t);
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t += 1) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + STEPS[t] + words[t]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, n) => (state[n] = (state[n] + word) | 0));
}

function spread(words, t) {
  const x = words[t - 15], y = words[t - 2];
  const low = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3), high = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
  return (words[t - 16] + low + words[t - 7] + high) | 0;
}
