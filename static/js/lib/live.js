/**
 * Live numbers: a websocket that only rings, one question at most each second, and polling while the socket is away.
 */
import { get } from "./api.js";

const LEAST_BETWEEN_QUESTIONS = 1000;
const POLL = 15_000;
const HIDDEN_UNTIL_SLEEP = 60_000;
const STALE_AFTER = 5000;
const FIRST_RETRY = 1000;
const LAST_RETRY = 30_000;
const WORDS_BETWEEN = 15_000;

class Live {
  constructor(sign) {
    this.sign = sign;
    this.url = sign.dataset.url;
    this.project = sign.dataset.project;
    this.version = Number(sign.dataset.version);
    this.retry = FIRST_RETRY;
    this.asked = 0;
    this.refreshed = Date.now();
    this.lastWords = Date.now();
    this.updated = new Date();
    this.stale = new Set();
    this.connect();
    this.poll = setInterval(() => this.isOpen() || this.ask(), POLL);
    document.addEventListener("visibilitychange", () => this.changeVisibility());
  }

  isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/ws/projects/${this.project}/`);
    this.socket.addEventListener("open", () => this.opened());
    this.socket.addEventListener("message", (event) => this.rung(event));
    this.socket.addEventListener("close", (event) => this.closed(event));
  }

  opened() {
    this.retry = FIRST_RETRY;
    this.show(true);
    this.ask();
  }

  rung(event) {
    const message = JSON.parse(event.data);
    if (message.t === "p" && message.version > this.version) this.ask();
  }

  closed(event) {
    this.show(false);
    if (event.code === 4404 || this.asleep) return;
    const wait = this.retry * (0.5 + Math.random());
    this.retry = Math.min(LAST_RETRY, this.retry * 2);
    setTimeout(() => this.connect(), wait);
  }

  /** Ask now, or once when the second is over. */
  ask() {
    if (this.waiting) return;
    const wait = Math.max(0, this.asked + LEAST_BETWEEN_QUESTIONS - Date.now());
    this.waiting = setTimeout(() => this.question(), wait);
  }

  async question() {
    this.waiting = undefined;
    this.asked = Date.now();
    try {
      const answer = await get(`${this.url}?since=${this.version}`, { retries: 0 });
      this.version = Math.max(this.version, answer.version);
      this.updated = new Date();
      this.patch(answer.fields);
      answer.stale.forEach((name) => this.stale.add(name));
      this.refreshStale();
    } catch {
      this.show(this.isOpen());
    }
  }

  patch(fields) {
    for (const element of document.querySelectorAll("[data-live]")) {
      const value = fields[element.dataset.live];
      if (value !== undefined && element.textContent !== value) element.textContent = value;
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
    words.textContent = `${fields.published} published, ${fields.spent_usd} spent`;
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
      names.forEach(refresh);
    }, wait);
  }

  changeVisibility() {
    if (document.hidden) {
      this.sleep = setTimeout(() => {
        this.asleep = true;
        this.socket.close();
      }, HIDDEN_UNTIL_SLEEP);
      return;
    }
    clearTimeout(this.sleep);
    if (this.asleep) {
      this.asleep = false;
      this.connect();
    }
    this.ask();
  }

  show(good) {
    this.sign.dataset.state = good ? "on" : "off";
    const at = this.updated.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    this.sign.querySelector("span").textContent = good ? "Live" : `Reconnecting, last update ${at}`;
  }
}

function refresh(name) {
  const part = document.querySelector(`[data-fragment="${CSS.escape(name)}"]`);
  if (!part || part.contains(document.activeElement)) return;
  window.htmx.ajax("GET", part.dataset.src, { target: part, swap: "outerHTML" });
}

const sign = document.getElementById("live");
if (sign && !sign.dataset.started) {
  sign.dataset.started = "1";
  new Live(sign);
}
