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
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Equal: "+", Minus: "−", BracketLeft: "[", BracketRight: "]", NumpadAdd: "+", NumpadSubtract: "−",
};

/** What is printed on a key in most of the world. */
export const printed = (code) => NAMES[code] ?? code.replace(/^(Key|Digit|Numpad)/, "");

/** @type {{all: object, save: (all: object) => void} | null} */
let person = null;
const changes = new EventTarget();

/** Keep the keys of a signed-in person where `save` puts them, instead of in this browser. */
export function keepKeys(all, save) {
  person = { all, save };
}

/** Run when a key was changed or keys were switched off or on. */
export const onKeysChange = (run) => changes.addEventListener("change", run);

const stored = () => {
  if (person) return person.all;
  try {
    return JSON.parse(localStorage.getItem(STORE) ?? "{}");
  } catch {
    return {};
  }
};

function store(all) {
  if (person) {
    person.all = all;
    person.save(all);
  } else localStorage.setItem(STORE, JSON.stringify(all));
  changes.dispatchEvent(new Event("change"));
}

/** @type {Keys[]} every table of this page */
export const tables = [];

export class Keys {
  /** @param {string} scope @param {Key[]} table @param {EventTarget} [target] */
  constructor(scope, table, target = document) {
    Object.assign(this, { scope, table, target, paused: false, held: new Map() });
    this.read();
    this.onDown = (event) => this.down(event);
    this.onUp = (event) => this.release(event);
    target.addEventListener("keydown", this.onDown);
    target.addEventListener("keyup", this.onUp);
    onKeysChange(() => this.read());
    tables.push(this);
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

  /** What a key of the table is in words: "Shift N". */
  printedOf(key) {
    const held = [key.mod && "Ctrl", key.shift && "Shift", key.alt && "Alt"].filter(Boolean);
    return [...held, printed(this.codeOf(key))].join(" ");
  }

  /** The key that has this code already, unless the two have always shared it. */
  owner(key, code) {
    const alike = (one) => ["mod", "alt"].every((name) => Boolean(one[name]) === Boolean(key[name])) && one.shift === key.shift;
    const mine = this.table.find((one) => one !== key && this.codeOf(one) === code && one.code !== key.code && alike(one));
    const anywhere = tables.find(({ scope }) => scope === "anywhere" && scope !== this.scope);
    return mine ?? anywhere?.table.find((one) => anywhere.codeOf(one) === code && alike(one)) ?? null;
  }

  /** Store a person's own key; an empty code brings the first one back. */
  change(key, code) {
    const own = { ...this.own, [key.id]: code };
    if (!code) delete own[key.id];
    store({ ...stored(), [this.scope]: own });
  }

  /** Bring all first keys of the table back. */
  reset() {
    const { [this.scope]: _, ...others } = stored();
    store(others);
  }

  switchOff(off) {
    store({ ...stored(), off });
  }

  close() {
    this.target.removeEventListener("keydown", this.onDown);
    this.target.removeEventListener("keyup", this.onUp);
  }
}

const isSingle = (key) => !key.mod && !key.alt && /^(Key|Digit|Numpad)/.test(key.code);

/** Enter and Space belong to a button that has the focus. */
export const onControl = () => document.activeElement?.matches("button, a, summary, input") ?? false;

/** Whether the person is writing: keys are letters then. */
function isTyping(target) {
  if (!(target instanceof Element)) return false;
  if (target.closest("textarea, select, [contenteditable], dialog[open]")) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range"].includes(target.type);
}
