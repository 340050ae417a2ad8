// The help sheet: made from the key tables that the handlers use, so the two cannot differ.

import { h } from "./dom.js";

/** Keys that only change others are waited through. */
const MODIFIERS = /^(Shift|Control|Alt|Meta|CapsLock|Fn)/;
/** Without Tab nobody gets about a page by keyboard. */
const MOVING = { does: "moving about the page" };

/** @type {{title: string, keys: import("./keys.js").Keys}[]} */
const everywhere = [];

/** Have tables shown on every help sheet of the page, after those of the screen. */
export const alsoHelp = (...parts) => everywhere.push(...parts);

/**
 * Show the keys of some tables in a dialog. A click on a key asks for another one.
 * @param {{title: string, keys: import("./keys.js").Keys}[]} own the tables of the screen
 */
export function openHelp(own) {
  const parts = [...own, ...everywhere];
  const dialog = h("dialog", { class: "keys-help", "aria-labelledby": "keys-help-title" });
  const off = h("input", { type: "checkbox" });
  off.checked = parts[0].keys.off;
  off.addEventListener("change", () => parts.forEach(({ keys }) => keys.switchOff(off.checked)));
  const first = h("button", { type: "button", class: "btn ghost" }, "All keys as at first");
  first.addEventListener("click", () => {
    parts.forEach(({ keys }) => keys.reset());
    columns.replaceChildren(...parts.map((part) => column(part, dialog)));
  });
  const columns = h("div", { class: "keys-columns" }, ...parts.map((part) => column(part, dialog)));
  const close = h("button", { type: "button", class: "btn" }, "Close");
  close.addEventListener("click", () => dialog.close());
  dialog.append(
    h("h2", { id: "keys-help-title" }, "Keys"),
    h("p", { class: "hint" }, "Keys are places on the keyboard: they work under every layout. Click one to change it."),
    columns,
    h("label", { class: "keys-off" }, off, " Switch single letters and digits off"),
    h("div", { class: "keys-ends" }, close, first),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function column({ title, keys }, dialog) {
  const rows = keys.table.filter((key) => !key.quiet).map((key) => row(key, keys, dialog));
  return h("section", {}, h("h3", {}, title), h("ul", {}, ...rows));
}

function row(key, keys, dialog) {
  const button = h("button", { type: "button", class: "key", "aria-label": `Change the key for: ${key.does}` });
  const said = h("span", { role: "status" });
  const write = (other) => {
    button.replaceChildren(h("kbd", {}, keys.printedOf(key)));
    said.textContent = other ? ` That key is taken: ${other.does}.` : "";
  };
  write();
  button.addEventListener("click", () => {
    button.replaceChildren(h("kbd", {}, "press a key"));
    const pressed = (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (MODIFIERS.test(event.code)) return;
      dialog.removeEventListener("keydown", pressed, { capture: true });
      taken(event.code, key, keys, write);
    };
    dialog.addEventListener("keydown", pressed, { capture: true });
  });
  return h("li", {}, button, h("span", {}, key.does, said));
}

function taken(code, key, keys, write) {
  const isFirst = code === "Backspace";
  const other = code === "Tab" ? MOVING : isFirst || code === "Escape" ? null : keys.owner(key, code);
  if (code !== "Escape" && !other) keys.change(key, isFirst ? "" : code);
  write(other);
}
