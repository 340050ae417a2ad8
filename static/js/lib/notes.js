// Small things a device keeps at once: written when the call returns, so that leaving the page a moment later loses nothing.

/** Rows by key in localStorage; in memory without a name and where the browser has none or it is full. */
export class Notes {
  /** @param {string} name */
  constructor(name) {
    this.name = name ? `winnow-${name}` : "";
    this.rows = new Map(this.read());
  }

  read() {
    try {
      return JSON.parse((this.name && localStorage.getItem(this.name)) || "[]");
    } catch {
      return [];
    }
  }

  all() {
    return [...this.rows.values()];
  }

  put(key, row) {
    this.rows.set(key, row);
    this.write((storage) => storage.setItem(this.name, JSON.stringify([...this.rows])));
  }

  /** Remove the rows from the device: their work is done. */
  drop() {
    this.rows.clear();
    this.write((storage) => storage.removeItem(this.name));
  }

  write(act) {
    if (!this.name) return;
    try {
      act(localStorage);
    } catch {
      // full or forbidden: the rows are in memory
    }
  }
}
