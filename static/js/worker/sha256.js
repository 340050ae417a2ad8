// SHA-256 of a file. Browsers offer it only on secure pages; in a house network over plain HTTP this does it (FIPS 180-4).

const primes = (() => {
  const found = [];
  for (let n = 2; found.length < 64; n += 1) if (found.every((prime) => n % prime)) found.push(n);
  return found;
})();
const fraction = (value) => ((value - Math.floor(value)) * 2 ** 32) | 0;
const START = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const STEPS = primes.map((prime) => fraction(Math.cbrt(prime)));
const turn = (word, by) => (word >>> by) | (word << (32 - by));

/** @param {Blob} file @returns {Promise<string>} 64 hexadecimal letters */
export async function sha256(file) {
  const bytes = await file.arrayBuffer();
  const digest = crypto.subtle ? await crypto.subtle.digest("SHA-256", bytes) : digestOf(new Uint8Array(bytes));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Uint8Array} bytes @returns {ArrayBuffer} 32 bytes */
export function digestOf(bytes) {
  const padded = new Uint8Array(((bytes.length + 8) >> 6 << 6) + 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, bytes.length << 3);
  const state = Int32Array.from(START), words = new Int32Array(64);
  for (let at = 0; at < padded.length; at += 64) mix(state, words, view, at);
  const result = new DataView(new ArrayBuffer(32));
  state.forEach((word, at) => result.setInt32(at * 4, word));
  return result.buffer;
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
