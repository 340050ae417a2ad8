// What must not be lost on the way to the server: rows in IndexedDB, sent in batches, kept until they are confirmed.

/** A small table in IndexedDB; in memory without a name and where the browser has none (private windows). */
export class Table {
  /** @param {string} name */
  constructor(name) {
    this.name = `winnow-${name}`;
    this.memory = new Map();
    this.database = name ? openDatabase(this.name).catch(() => null) : Promise.resolve(null);
  }

  async run(mode, act) {
    const database = await this.database;
    if (!database) return undefined;
    return new Promise((resolve, reject) => {
      const transaction = database.transaction("rows", mode);
      const request = act(transaction.objectStore("rows"));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }

  async put(key, row) {
    this.memory.set(key, row);
    await this.run("readwrite", (rows) => rows.put(row, key)).catch(() => {});
  }

  async get(key) {
    return this.memory.get(key) ?? (await this.run("readonly", (rows) => rows.get(key)).catch(() => undefined));
  }

  async all() {
    const rows = await this.run("readonly", (store) => store.getAll()).catch(() => undefined);
    return rows ?? [...this.memory.values()];
  }

  async remove(key) {
    this.memory.delete(key);
    await this.run("readwrite", (rows) => rows.delete(key)).catch(() => {});
  }

  /** Remove the table from the device: its work is done. */
  async drop() {
    this.memory.clear();
    (await this.database)?.close();
    indexedDB.deleteDatabase(this.name);
  }
}

function openDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("rows");
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });
}

const BATCH = 50;
const LONGEST_WAIT = 30_000;

/**
 * Rows with a unique `key`, in the order they were added.
 * Events: `change` (something was added, sent or failed), `answer` (detail: what the server said).
 */
export class Queue extends EventTarget {
  /**
   * @param {string} name one device, one name: put the person's id in it
   * @param {(rows: object[], leaving: boolean) => Promise<{saved: string[], refused: {key: string, why: string}[]}>} send
   * @param {number} [every] milliseconds
   * @param {number} [stay] milliseconds for which a row stays here and can be taken back, unless the page is left
   */
  constructor(name, send, every = 1000, stay = 0) {
    super();
    Object.assign(this, { send, every, stay, table: new Table(name), rows: [], flying: new Set(), failures: 0, count: 0 });
    this.due = new Map();
    this.ready = this.restore();
    this.timer = setTimeout(() => this.tick(), every);
    this.leave = () => this.flush(true);
    addEventListener("pagehide", this.leave);
    addEventListener("online", () => this.flush());
  }

  async restore() {
    const kept = await this.table.all();
    const known = new Set(this.rows.map((row) => row.key));
    const older = kept.sort((a, b) => a.at - b.at).map((row) => row.body);
    this.rows.unshift(...older.filter((row) => !known.has(row.key)));
    this.tell();
  }

  get waiting() {
    return this.rows.length;
  }

  get offline() {
    return this.failures > 0;
  }

  async add(body) {
    this.rows.push(body);
    this.due.set(body.key, performance.now() + this.stay);
    this.tell();
    await this.table.put(body.key, { at: Date.now() + this.count++ / 1000, body });
  }

  /** Take a row back before it has left. @returns {boolean} false when it is too late */
  take(key) {
    const at = this.rows.findIndex((row) => row.key === key);
    if (at < 0 || this.flying.has(key)) return false;
    this.rows.splice(at, 1);
    this.table.remove(key);
    this.tell();
    return true;
  }

  async tick() {
    await this.flush();
    const wait = Math.min(LONGEST_WAIT, this.every * 2 ** this.failures);
    this.timer = setTimeout(() => this.tick(), wait);
  }

  async flush(leaving = false) {
    if (this.flying.size && !leaving) return;
    const now = performance.now();
    const batch = this.rows.filter(({ key }) => leaving || (this.due.get(key) ?? 0) <= now).slice(0, BATCH);
    if (!batch.length) return;
    this.flying = new Set(batch.map((row) => row.key));
    try {
      const answer = await this.send(batch, leaving);
      this.failures = 0;
      this.forget([...answer.saved, ...answer.refused.map((one) => one.key)]);
      this.dispatchEvent(new CustomEvent("answer", { detail: answer }));
    } catch {
      this.failures += 1;
    } finally {
      this.flying = new Set();
      this.tell();
    }
  }

  /** Have everything sent that is due now, also behind what is on its way. */
  async settle() {
    while (this.flying.size) await new Promise((done) => this.addEventListener("change", done, { once: true }));
    await this.flush();
  }

  forget(keys) {
    const gone = new Set(keys);
    this.rows = this.rows.filter((row) => !gone.has(row.key));
    for (const key of gone) {
      this.due.delete(key);
      this.table.remove(key);
    }
  }

  tell() {
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** Stop, and keep nothing: what was here has arrived another way. */
  async drop() {
    clearTimeout(this.timer);
    removeEventListener("pagehide", this.leave);
    this.rows = [];
    await this.table.drop();
  }
}
