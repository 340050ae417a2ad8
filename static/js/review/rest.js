// How long somebody has worked without a break, over reloads of the page.

const STORE = "winnow.review.worked";
export const LONG = 50 * 60_000;
export const BREAK = 5 * 60_000;

/** @param {{began: number, last: number} | null} before @param {number} now @returns {{began: number, last: number}} */
export function worked(before, now) {
  const goesOn = before !== null && now - before.last < BREAK;
  return { began: goesOn ? before.began : now, last: now };
}

/** Note a decision. @returns {number} minutes without a break, 0 before they are many */
export function noteWork(now = Date.now()) {
  let before = null;
  try {
    before = JSON.parse(localStorage.getItem(STORE) ?? "null");
  } catch {
    before = null;
  }
  const span = worked(before, now);
  localStorage.setItem(STORE, JSON.stringify(span));
  return now - span.began >= LONG ? Math.floor((now - span.began) / 60_000) : 0;
}
