/**
 * Live numbers: websockets that only ring, one question at most each second, and polling while a socket is away.
 * A page names one project, or up to twenty; with none it only polls.
 */
import { get } from "./api.js";

const LEAST_BETWEEN_QUESTIONS = 1000;
const POLL = 15_000;
const HIDDEN_UNTIL_SLEEP = 60_000;
const STALE_AFTER = 5000;
const FIRST_RETRY = 1000;
const LAST_RETRY = 30_000;
const WORDS_BETWEEN = 15_000;
const STRANGER = 4404;

/** One websocket that comes back by itself. */
class Bell {
  /** @param {string} project @param {{opened: () => void, rung: (version: number) => void, closed: () => void}} calls */
  constructor(project, calls) {
    Object.assign(this, { project, calls, retry: FIRST_RETRY, asleep: false });
    this.connect();
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/ws/projects/${this.project}/`);
    this.socket.addEventListener("open", () => {
      this.retry = FIRST_RETRY;
      this.calls.opened();
    });
    this.socket.addEventListener("message", (event) => {
      const message = JSON.parse(event.data);
      if (message.t === "p") this.calls.rung(message.version);
    });
    this.socket.addEventListener("close", (event) => this.closed(event));
  }

  closed(event) {
    this.calls.closed();
    if (event.code === STRANGER || this.asleep) return;
    const wait = this.retry * (0.5 + Math.random());
    this.retry = Math.min(LAST_RETRY, this.retry * 2);
    setTimeout(() => this.asleep || this.connect(), wait);
  }

  sleep() {
    this.asleep = true;
    this.socket.close();
  }

  wake() {
    if (!this.asleep) return;
    this.asleep = false;
    this.connect();
  }
}

class Live {
  /** @param {HTMLElement} sign where the state is shown; its data say what to ask and whom to listen to */
  constructor(sign) {
    this.sign = sign;
    this.url = sign.dataset.url;
    this.version = Number(sign.dataset.version);
    this.heard = new Map();
    this.asked = 0;
    this.questions = 0;
    this.answered = 0;
    this.refreshed = Date.now();
    this.lastWords = Date.now();
    this.updated = new Date();
    this.reached = true;
    this.stale = new Set();
    this.bells = (sign.dataset.project || "").split(",").filter(Boolean).map((project) => this.listen(project));
    this.poll = setInterval(() => this.allOpen() || this.ask(), POLL);
    document.addEventListener("visibilitychange", () => this.changeVisibility());
    document.addEventListener("focusout", () => this.refreshStale());
    if (!this.bells.length) this.show();
  }

  listen(project) {
    return new Bell(project, {
      opened: () => {
        this.show();
        this.ask();
      },
      rung: (version) => {
        if (version <= (this.heard.get(project) ?? 0)) return;
        this.heard.set(project, version);
        this.ask();
      },
      closed: () => this.show(),
    });
  }

  allOpen() {
    return this.bells.length > 0 && this.bells.every((bell) => bell.isOpen);
  }

  /** Ask now, or once when the second is over. */
  ask() {
    if (this.waiting) return;
    const wait = Math.max(0, this.asked + LEAST_BETWEEN_QUESTIONS - Date.now());
    this.waiting = setTimeout(() => this.question(), wait);
  }

  /** An answer that a later question has overtaken tells older numbers. */
  async question() {
    this.waiting = undefined;
    this.asked = Date.now();
    this.questions += 1;
    const number = this.questions;
    try {
      const answer = await get(`${this.url}${this.url.includes("?") ? "&" : "?"}since=${this.version}`, { retries: 0 });
      if (number < this.answered) return;
      this.answered = number;
      this.version = answer.version;
      this.updated = new Date();
      this.reached = true;
      this.patch(answer.fields);
      answer.stale.forEach((name) => this.stale.add(name));
      this.refreshStale();
    } catch {
      this.reached = false;
    }
    this.show();
  }

  patch(fields) {
    for (const element of document.querySelectorAll("[data-live]")) {
      const value = fields[element.dataset.live];
      if (value === undefined || element.textContent === value) continue;
      element.textContent = value;
      if ("liveHot" in element.dataset) element.classList.toggle("hot", value !== "0");
    }
    for (const element of document.querySelectorAll("[data-live-width]")) {
      const value = fields[element.dataset.liveWidth];
      if (value !== undefined) element.setAttribute("width", value);
    }
    this.say(fields);
  }

  /** One quiet sentence for screen readers, at most each 15 seconds. */
  say(fields) {
    const words = document.getElementById("live-words");
    if (!words || !fields.published || Date.now() - this.lastWords < WORDS_BETWEEN) return;
    this.lastWords = Date.now();
    words.textContent = `${fields.published} published, ${fields.spent} spent`;
  }

  /** Fetch parts of the page again, not while somebody works in them. */
  refreshStale() {
    if (this.refreshing || this.stale.size === 0 || !window.htmx) return;
    const wait = Math.max(0, this.refreshed + STALE_AFTER - Date.now());
    this.refreshing = setTimeout(() => {
      this.refreshing = undefined;
      this.refreshed = Date.now();
      const names = [...this.stale];
      this.stale.clear();
      names.forEach((name) => refresh(name) || this.stale.add(name));
    }, wait);
  }

  changeVisibility() {
    if (document.hidden) {
      this.sleep = setTimeout(() => this.bells.forEach((bell) => bell.sleep()), HIDDEN_UNTIL_SLEEP);
      return;
    }
    clearTimeout(this.sleep);
    this.bells.forEach((bell) => bell.wake());
    this.ask();
  }

  /** A page that only polls is well while it is answered. */
  show() {
    const good = this.bells.length ? this.allOpen() : this.reached;
    this.sign.dataset.state = good ? "on" : "off";
    const at = this.updated.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    this.sign.querySelector("span").textContent = good ? "Live" : `Reconnecting, last update ${at}`;
  }
}

/** Fetch a part again; false = somebody works in it, and it has to wait. */
function refresh(name) {
  const part = document.querySelector(`[data-fragment="${CSS.escape(name)}"]`);
  if (part?.contains(document.activeElement)) return false;
  if (part) window.htmx.ajax("GET", part.dataset.src, { target: part, swap: "outerHTML" });
  return true;
}

const sign = document.getElementById("live");
if (sign && !sign.dataset.started) {
  sign.dataset.started = "1";
  new Live(sign);
}
