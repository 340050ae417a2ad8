// Keys by their place on the keyboard, so that they work under every layout. One table makes both the handlers and
// the help sheet; a person can change a key or switch single keys off.

/**
 * @typedef {object} Key
 * @property {string} id stable name, under which a person's own key is stored
 * @property {string} code KeyboardEvent.code
 * @property {string} does what the help sheet says
 * @property {(event: KeyboardEvent) => void} run
 * @property {(event: KeyboardEvent) => void} [up] on release
 * @property {(event: KeyboardEvent) => boolean} [when] only then
 * @property {boolean} [shift] needs Shift; absent = any
 * @property {boolean} [alt]
 * @property {boolean} [mod] Ctrl or ⌘
 * @property {boolean} [quiet] not in the help sheet
 */

const STORE = "winnow.keys";
const NAMES = {
  Space: "Space", Enter: "Enter", Escape: "Esc", Delete: "Del", Backspace: "⌫", Tab: "Tab", Slash: "?",
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Equal: "+", Minus: "−", NumpadAdd: "+", NumpadSubtract: "−",
};

/** What is printed on a key in most of the world. */
export const printed = (code) => NAMES[code] ?? code.replace(/^(Key|Digit|Numpad)/, "");

const stored = () => {
  try {
    return JSON.parse(localStorage.getItem(STORE) ?? "{}");
  } catch {
    return {};
  }
};

export class Keys {
  /** @param {string} scope @param {Key[]} table @param {EventTarget} [target] */
  constructor(scope, table, target = document) {
    Object.assign(this, { scope, table, target, paused: false, held: new Map() });
    this.read();
    this.onDown = (event) => this.down(event);
    this.onUp = (event) => this.release(event);
    target.addEventListener("keydown", this.onDown);
    target.addEventListener("keyup", this.onUp);
  }

  read() {
    const all = stored();
    this.own = all[this.scope] ?? {};
    this.off = all.off ?? false;
  }

  /** The code in force for a key of the table. */
  codeOf(key) {
    return this.own[key.id] ?? key.code;
  }

  down(event) {
    if (this.paused || event.defaultPrevented || isTyping(event.target)) return;
    const key = this.table.find((one) => this.fits(one, event));
    if (!key) return;
    event.preventDefault();
    if (key.up) this.held.set(event.code, key);
    if (!(event.repeat && key.up)) key.run(event);
  }

  fits(key, event) {
    const mod = event.ctrlKey || event.metaKey;
    if (event.code !== this.codeOf(key) || mod !== Boolean(key.mod)) return false;
    if (event.altKey !== Boolean(key.alt) || (key.shift !== undefined && event.shiftKey !== key.shift)) return false;
    if (this.off && isSingle(key)) return false;
    return key.when ? key.when(event) : true;
  }

  release(event) {
    const key = this.held.get(event.code);
    this.held.delete(event.code);
    key?.up?.(event);
  }

  /** Store a person's own key; an empty code brings the first one back. */
  change(key, code) {
    const all = stored();
    all[this.scope] = { ...this.own, [key.id]: code };
    if (!code) delete all[this.scope][key.id];
    localStorage.setItem(STORE, JSON.stringify(all));
    this.read();
  }

  switchOff(off) {
    localStorage.setItem(STORE, JSON.stringify({ ...stored(), off }));
    this.read();
  }

  close() {
    this.target.removeEventListener("keydown", this.onDown);
    this.target.removeEventListener("keyup", this.onUp);
  }
}

const isSingle = (key) => !key.mod && !key.alt && /^(Key|Digit|Numpad)/.test(key.code);

/** Whether the person is writing: keys are letters then. */
function isTyping(target) {
  if (!(target instanceof Element)) return false;
  if (target.closest("textarea, select, [contenteditable], dialog[open]")) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range"].includes(target.type);
}
