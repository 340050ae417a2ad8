// The reviewer's queue and decisions: what comes next, what was decided, taking it back.

import { Queue } from "../lib/queue.js";

const REFILL_UNDER = 20;
const DEEPEST_UNDO = 50;

/** A random id; `crypto.randomUUID` is missing where the page came over plain HTTP. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Events: `change` (another image or list), `standing` (detail: counters), `refused` (detail: {item, why}). */
export class Decisions extends EventTarget {
  /**
   * @param {{project: string, person: number, standing: object}} start
   * @param {{fetchNext: (n: number) => Promise<object>, send: (rows: object[], leaving: boolean) => Promise<object>,
   *   fetchRecent: () => Promise<object>, fetchDecided: (key: string) => Promise<object>}} door
   */
  constructor(start, { fetchNext, send, fetchRecent, fetchDecided }) {
    super();
    Object.assign(this, { fetchNext, fetchRecent, fetchDecided, items: [], at: 0, done: new Map(), stack: [] });
    Object.assign(this, { since: performance.now(), touched: new Set(), takenBack: new Set(), turn: Promise.resolve(), outdated: false, standing: start.standing });
    this.place = `winnow.review.${start.project}.${start.person}`;
    this.queue = new Queue(`review-${start.project}-${start.person}`, send);
    this.queue.addEventListener("answer", ({ detail }) => this.answered(detail));
  }

  get current() {
    return this.items[this.at] ?? null;
  }

  get left() {
    return this.items.length - this.items.filter((item) => this.done.has(item.id)).length;
  }

  /** Fetch more; images with a decision on its way are not shown again, one that has come back is. */
  async load(n = 50) {
    await this.queue.ready;
    if (this.loading) return;
    this.loading = true;
    this.touched = new Set(this.queue.rows.map((row) => row.id));
    const first = this.items.length === 0;
    try {
      const answer = await this.fetchNext(n);
      this.take(answer.items);
      this.leased(answer.lease_until);
      this.count(answer.standing);
    } finally {
      this.loading = false;
    }
    if (first) this.at = Math.max(0, this.items.findIndex((item) => item.id === localStorage.getItem(this.place)));
    this.tell("change");
    if (!this.outdated) return;
    this.outdated = false;
    await this.load(n);
  }

  /** Remember how long what this page holds is leased; answers may overtake each other. */
  leased(until) {
    if (!this.leaseUntil || until > this.leaseUntil) this.leaseUntil = until;
  }

  take(items) {
    for (const item of items) {
      if (this.touched.has(item.id)) continue;
      if (this.done.has(item.id)) this.drop(item);
      if (!this.items.some((one) => one.id === item.id)) this.items.push(item);
    }
  }

  /** Decide about the image in front and go on to the next undecided one. */
  decide(verdict, more = {}) {
    const item = this.current;
    if (!item) return;
    this.put(item, verdict, more);
    this.advance();
  }

  /** Write down a decision about an image of the list. */
  put(item, verdict, more = {}) {
    if (this.done.has(item.id)) this.takeBack(this.stack.findIndex((one) => one.item.id === item.id));
    const row = { key: uuid(), id: item.id, seen: item.seen, verdict, reason: null, boxes: null, ms: this.spent(), ...more };
    this.done.set(item.id, { verdict, key: row.key });
    this.touched.add(item.id);
    this.stack.push({ item, key: row.key, verdict });
    this.stack.splice(0, this.stack.length - DEEPEST_UNDO);
    this.queue.add(row);
    if (verdict !== "hold") this.count({ ...this.standing, done: this.standing.done + 1, left: Math.max(0, this.standing.left - 1) });
  }

  advance() {
    const after = this.items.findIndex((item, at) => at > this.at && !this.done.has(item.id));
    const any = this.items.findIndex((item) => !this.done.has(item.id));
    this.go(after >= 0 ? after : any >= 0 ? any : this.items.length);
    if (this.left < REFILL_UNDER) this.load().catch(() => {});
  }

  /** Take the last decision back and show its image; after a reload that of an earlier visit. @returns {Promise<boolean>} */
  async undo() {
    if (this.stack.length) {
      const { item } = this.takeBack(this.stack.length - 1);
      this.go(this.items.indexOf(item));
      return true;
    }
    this.turn = this.turn.catch(() => {}).then(() => this.undoEarlier());
    return this.turn;
  }

  /** One after the other: a held key asks faster than the server answers. */
  async undoEarlier() {
    const { decisions } = await this.fetchRecent();
    const last = decisions.find(({ key }) => !this.takenBack.has(key));
    return last ? this.reopen(last.key) : false;
  }

  /** Open an earlier decision again: it is taken back and its image shown. @returns {Promise<boolean>} */
  async reopen(key) {
    const at = this.stack.findIndex((one) => one.key === key);
    if (at >= 0) {
      this.go(this.items.indexOf(this.takeBack(at).item));
      return true;
    }
    if (this.takenBack.has(key)) return false;
    const { item, verdict } = await this.fetchDecided(key);
    this.drop(item);
    this.items.splice(Math.min(this.at, this.items.length), 0, item);
    this.addUndo(item, key, verdict);
    this.go(this.items.indexOf(item));
    return true;
  }

  /** Before it has left it is simply removed; after that an undo is added: a review never overwrites. */
  takeBack(at) {
    const [entry] = this.stack.splice(at, 1);
    this.done.delete(entry.item.id);
    if (this.queue.take(entry.key)) this.uncount(entry.verdict);
    else this.addUndo(entry.item, entry.key, entry.verdict);
    return entry;
  }

  addUndo(item, key, verdict) {
    this.takenBack.add(key);
    this.queue.add({ key: uuid(), id: item.id, verdict: "undo", undoes: key });
    this.uncount(verdict);
  }

  uncount(verdict) {
    if (verdict !== "hold") this.count({ ...this.standing, done: this.standing.done - 1, left: this.standing.left + 1 });
  }

  go(at) {
    this.at = Math.max(0, Math.min(this.items.length, at));
    this.since = performance.now();
    if (this.current) localStorage.setItem(this.place, this.current.id);
    this.tell("change");
  }

  spent() {
    return Math.round(performance.now() - this.since);
  }

  answered({ refused, standing, lease_until: until }) {
    this.leased(until); // what was taken back is leased as well
    for (const { key, why, stale } of refused) {
      const entry = this.stack.find((one) => one.key === key);
      this.stack = this.stack.filter((one) => one !== entry);
      if (entry && stale) this.drop(entry.item);
      else if (entry) this.done.set(entry.item.id, { verdict: "refused", key });
      this.dispatchEvent(new CustomEvent("refused", { detail: { item: entry?.item ?? null, why } }));
    }
    if (standing && !this.queue.waiting) this.count(standing);
    this.tell("change");
    if (refused.some((one) => one.stale)) this.loadAnew();
  }

  /** Fetch what has changed; what is on its way was asked for before that. */
  loadAnew() {
    this.outdated = this.loading === true;
    this.load().catch(() => {});
  }

  /** Forget an image: it comes anew. */
  drop({ id }) {
    const at = this.items.findIndex((one) => one.id === id);
    if (at < 0) return;
    this.items.splice(at, 1);
    this.done.delete(id);
    this.touched.delete(id);
    if (at < this.at) this.at -= 1;
  }

  count(standing) {
    this.standing = standing;
    this.dispatchEvent(new CustomEvent("standing", { detail: standing }));
  }

  tell(type) {
    this.dispatchEvent(new CustomEvent(type));
  }
}
