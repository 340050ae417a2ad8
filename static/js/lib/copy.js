/** Copy buttons: what is shown only once should not have to be selected by hand, least of all on a phone. */
import { h } from "./dom.js";

const BACK_AFTER = 4000; // milliseconds
const heard = h("p", { class: "vh", role: "status" }); // for those who hear the page

/** Copy the text of an element and say so for a while; where nothing may be copied, select it. */
export async function copyFrom(source, words) {
  words.dataset.before ??= words.textContent;
  if (!heard.isConnected) document.body.append(heard);
  heard.textContent = "";
  words.textContent = (await isCopied(source)) ? "Copied" : "Selected: copy it by hand";
  heard.textContent = words.textContent;
  clearTimeout(words.back);
  words.back = setTimeout(() => (words.textContent = words.dataset.before), BACK_AFTER);
}

/** Addresses without https have no clipboard of their own; there the old way is left: select, then copy. */
async function isCopied(source) {
  try {
    await navigator.clipboard.writeText(source.innerText);
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

/** Put a button behind every text of the page that is there to be taken along. */
export function offerCopies() {
  for (const source of document.querySelectorAll("[data-take-along]:not([data-offered])")) {
    source.dataset.offered = "yes";
    const words = h("span", {}, "Copy");
    const button = h("button", { type: "button", class: "btn small take-along" }, words);
    button.addEventListener("click", () => copyFrom(source, words));
    source.after(button);
  }
}
