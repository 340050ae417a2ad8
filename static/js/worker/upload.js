// A photo or video on its way: in pieces, kept on the device until the server has all of it, continued after a reload.

import { csrfToken, post } from "../lib/api.js";
import { Table } from "../lib/queue.js";
import { isRefusal } from "./page.js";
import { sha256 } from "./sha256.js";
import { t } from "./words.js";

const WAITS_MS = [1000, 2000, 4000, 8000, 15_000];

export class Uploads {
  /** @param {number} worker @param {string} url */
  constructor(worker, url) {
    Object.assign(this, { url, kept: new Table(worker ? `worker-${worker}-photos` : "") });
  }

  /** The file of a task that was begun here and is not finished. @returns {Promise<File | undefined>} */
  async begun(task) {
    return (await this.kept.get(task.id))?.file;
  }

  /**
   * Send a file. Resolves when the server has checked and kept it; rejects with a sentence when it is refused.
   * @param {{id: number}} task @param {File} file @param {(share: number, waits: boolean) => void} progress
   */
  async send(task, file, progress) {
    await this.kept.put(task.id, { id: task.id, file });
    const digest = await sha256(file);
    const about = { answer: task.id, name: file.name ?? "", size: file.size, sha256: digest };
    const tell = (received, waits) => progress(file.size ? received / file.size : 0, waits);
    try {
      const begun = await patiently(() => post(this.url, about), () => tell(0, true));
      await this.pieces(begun, file, tell);
    } catch (error) {
      if (isRefusal(error)) await this.kept.remove(task.id);
      throw error;
    }
    await this.kept.remove(task.id);
  }

  async pieces({ id, piece, received, state }, file, tell) {
    let at = received;
    tell(at, false);
    while (state !== "done") {
      while (at < file.size) {
        at = (await patiently(() => this.put(id, at, file.slice(at, at + piece)), () => tell(at, true))).received;
        tell(at, false);
      }
      const answer = await patiently(() => this.finish(id), () => tell(at, true));
      ({ state, received: at } = answer);
    }
  }

  /** A piece the server did not expect is answered with what it has: go on from there. */
  async put(id, offset, body) {
    return goOn(await fetch(`${this.url}${id}/?offset=${offset}`, { method: "PUT", body, headers: headers() }));
  }

  async finish(id) {
    return goOn(await fetch(`${this.url}${id}/done/`, { method: "POST", body: "{}", headers: headers("application/json") }));
  }
}

const headers = (type = "application/octet-stream") => ({
  "Content-Type": type,
  "X-CSRFToken": csrfToken(),
});

async function goOn(response) {
  if (response.ok || response.status === 409) return response.json();
  if (response.status >= 500 || response.status === 429) throw new TypeError("the server is away");
  const problem = await response.json().catch(() => ({}));
  throw Object.assign(new Error(problem.title ?? t("The file was not taken.")), { status: response.status });
}

/** Try again as long as it is only the network; `waiting` is told each time. */
async function patiently(act, waiting) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await act();
    } catch (error) {
      if (isRefusal(error)) throw error;
      waiting();
      await new Promise((done) => {
        setTimeout(done, WAITS_MS[Math.min(tries, WAITS_MS.length - 1)]);
        addEventListener("online", done, { once: true });
      });
    }
  }
}
