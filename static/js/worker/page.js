// A page of tasks on a worker's device: one task at a time, answers kept here and on the server until they are in.

import { post } from "../lib/api.js";
import { dataOf } from "../lib/dom.js";
import { Notes } from "../lib/notes.js";
import { Queue } from "../lib/queue.js";
import { t } from "./words.js";

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 4000;

/** The server has understood and will not have it; anything else may be tried again. */
export const isRefusal = ({ status }) => status >= 400 && status < 500 && status !== 429;

export class Page {
  /**
   * @param {{onShow?: (task: object, article: HTMLElement) => void, onLeave?: () => void,
   *   isWhole?: (payload: any) => boolean, whenSent?: () => Promise<boolean>}} hooks
   *   `isWhole` tells a finished answer from a draft; `whenSent` waits until nothing is on its way; false = the page cannot be handed in yet
   */
  constructor({ onShow = () => {}, onLeave = () => {}, isWhole = () => true, whenSent = async () => true } = {}) {
    this.start = dataOf("start");
    Object.assign(this, { onShow, onLeave, isWhole, whenSent, began: performance.now(), saves: 0, busy: false });
    this.answers = new Map(this.start.tasks.filter((task) => task.given).map((task) => [task.id, task.given]));
    this.drafts = new Set();
    const { worker, page } = this.start; // a page to try belongs to nobody: this device keeps nothing of it
    this.kept = new Notes(worker ? `worker-${worker}-page-${page}` : "");
    this.queue = new Queue(worker ? `worker-${worker}-answers-${page}` : "", (rows, leaving) => this.send(rows, leaving));
    this.queue.addEventListener("change", () => this.showState());
    this.current = this.start.current;
    document.addEventListener("click", (event) => this.clicked(event));
    $("submit").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    document.querySelector(".w-skip").addEventListener("submit", (event) => this.giveBack(event));
  }

  get tasks() {
    return this.start.tasks;
  }

  get task() {
    return this.tasks[this.current - 1] ?? null;
  }

  article(task) {
    return document.querySelector(`[data-answer="${task.id}"]`);
  }

  /** Take up what this device has kept, then show where the worker was. */
  open() {
    for (const { id, payload, isDraft } of this.kept.all()) {
      if (!this.isOwn(id)) continue;
      this.answers.set(id, payload);
      if (isDraft) this.drafts.add(id);
    }
    const next = this.tasks.findIndex((task) => !this.isDone(task)) + 1;
    const asked = new URLSearchParams(location.search).has("task");
    this.go(asked ? this.current : next || this.tasks.length + 1);
    document.body.dataset.ready = "yes";
  }

  isDone(task) {
    return this.answers.has(task.id) && !this.drafts.has(task.id) && this.isWhole(this.answers.get(task.id));
  }

  isOwn(id) {
    return this.tasks.some((task) => task.id === id);
  }

  /** Show task number n; one more than the last is the end of the page. */
  go(n) {
    this.onLeave();
    this.current = Math.max(1, Math.min(n, this.tasks.length + 1));
    for (const task of this.tasks) this.article(task).hidden = task !== this.task;
    $("finish").hidden = this.task !== null;
    $("number").textContent = String(Math.min(this.current, this.tasks.length));
    this.problem("");
    this.showDots();
    if (this.task) this.onShow(this.task, this.article(this.task));
    this.loadNext();
  }

  /** The next picture is fetched while this one is looked at. */
  loadNext() {
    const next = this.tasks[this.current];
    for (const image of next ? this.article(next).querySelectorAll("img[loading]") : []) image.loading = "eager";
  }

  clicked(event) {
    const link = event.target.closest("[data-go]");
    if (!link) return;
    event.preventDefault();
    this.go(Number(link.dataset.go));
  }

  // --- answers ---------------------------------------------------------------------------------------------------
  /** Keep what is still being written on the device only: it is there after a reload and handed in with the page. */
  draft(task, payload) {
    this.answers.set(task.id, payload);
    this.drafts.add(task.id);
    this.kept.put(task.id, { id: task.id, payload, isDraft: true });
  }

  /** Keep an answer on the device at once and send it when there is a network. */
  async keep(task, payload) {
    this.answers.set(task.id, payload);
    this.drafts.delete(task.id);
    this.showDots();
    for (const row of this.queue.rows.filter((one) => one.id === task.id)) this.queue.take(row.key);
    this.kept.put(task.id, { id: task.id, payload });
    await this.queue.add({ key: `${task.id}-${this.saves++}-${Date.now()}`, id: task.id, payload });
  }

  async send(rows, leaving) {
    const answer = { saved: [], refused: [] };
    for (const row of rows) {
      try {
        const said = await this.post(row.id, row.payload, leaving);
        answer.saved.push(row.key);
        if (said?.next) {
          await this.ended(said.next);
          return answer;
        }
      } catch (error) {
        if (!isRefusal(error)) throw error;
        answer.refused.push({ key: row.key, why: error.message });
        this.problem(error.message);
      }
    }
    return answer;
  }

  /** The last answer has ended an exam: nothing is left to keep here. */
  async ended(next) {
    this.busy = true;
    this.kept.drop();
    await this.queue.drop();
    location.assign(next);
  }

  /** Send one answer now; in training the server says whether it is right. */
  post(id, payload, leaving = false) {
    return post(`${this.start.answers}${id}/`, { payload }, { keepalive: leaving });
  }

  // --- handing in ------------------------------------------------------------------------------------------------
  async submit() {
    if (this.busy) return;
    this.busy = true;
    this.problem("");
    if (!(await this.whenSent())) {
      this.busy = false;
      return;
    }
    try {
      const answers = this.start.interface === "photo" ? {} : Object.fromEntries(this.answers);
      const ms = Math.round(performance.now() - this.began);
      const { next } = await post(this.start.submit, { answers, ms });
      this.kept.drop();
      await this.queue.drop();
      location.assign(next);
    } catch (error) {
      this.busy = false;
      this.notHandedIn(error);
    }
  }

  notHandedIn(error) {
    if (isRefusal(error)) return this.problem(error.message);
    this.state(t("Waiting for the network"), true);
    return setTimeout(() => this.submit(), AGAIN_MS);
  }

  /** A page with answers is given back by two taps: they would be lost. */
  giveBack(event) {
    const button = event.target.querySelector("button");
    if (!this.answers.size || button.dataset.asked) return this.kept.drop();
    event.preventDefault();
    button.dataset.asked = "yes";
    button.textContent = t("Your answers on it are lost. Tap again to give it back.");
    this.state(button.textContent, true);
  }

  // --- telling ---------------------------------------------------------------------------------------------------
  showDots() {
    document.querySelectorAll(".w-dots li").forEach((dot, at) => dot.classList.toggle("on", this.isDone(this.tasks[at])));
  }

  showState() {
    const { waiting, offline } = this.queue;
    if (offline && waiting) this.state(t("Waiting for the network; kept here: {n}", { n: waiting }), true);
    else if (this.saves) this.state(waiting ? t("Saving") : t("Saved"));
  }

  state(text, waits = false) {
    $("state").textContent = text;
    $("state").classList.toggle("waits", waits);
  }

  problem(text) {
    $("problem").textContent = text;
    $("problem").hidden = !text;
  }
}
