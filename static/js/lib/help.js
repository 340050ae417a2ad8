// The help sheet: made from the key tables that the handlers use, so the two cannot differ.

import { h } from "./dom.js";
import { printed } from "./keys.js";

/**
 * Show the keys of some tables in a dialog. A click on a key asks for another one.
 * @param {{title: string, keys: import("./keys.js").Keys}[]} parts
 */
export function openHelp(parts) {
  const dialog = h("dialog", { class: "keys-help", "aria-labelledby": "keys-help-title" });
  const off = h("input", { type: "checkbox" });
  off.checked = parts[0].keys.off;
  off.addEventListener("change", () => parts.forEach(({ keys }) => keys.switchOff(off.checked)));
  const close = h("button", { type: "button", class: "btn" }, "Close");
  close.addEventListener("click", () => dialog.close());
  dialog.append(
    h("h2", { id: "keys-help-title" }, "Keys"),
    h("p", { class: "hint" }, "Keys are places on the keyboard: they work under every layout. Click one to change it."),
    h("div", { class: "keys-columns" }, ...parts.map((part) => column(part, dialog))),
    h("label", { class: "keys-off" }, off, " Switch single letters and digits off"),
    close,
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
  const write = () => button.replaceChildren(h("kbd", {}, `${key.mod ? "Ctrl " : ""}${key.shift ? "Shift " : ""}${key.alt ? "Alt " : ""}${printed(keys.codeOf(key))}`));
  write();
  button.addEventListener("click", () => {
    button.replaceChildren(h("kbd", {}, "press a key"));
    dialog.addEventListener("keydown", (event) => taken(event, key, keys, write), { once: true, capture: true });
  });
  return h("li", {}, button, h("span", {}, key.does));
}

function taken(event, key, keys, write) {
  event.preventDefault();
  event.stopPropagation();
  if (event.code !== "Escape") keys.change(key, event.code === "Backspace" ? "" : event.code);
  write();
}
