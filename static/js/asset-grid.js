/**
 * The asset browser: starts the window over the pages, the selection with its keys, and the query bar. Without it the
 * page is a list with links to newer and older.
 */
import { Choice } from "./assets/choice.js";
import { startFacets, startQueryBar } from "./assets/query-bar.js";
import { Window } from "./assets/window.js";

const root = document.querySelector("#window");
if (root && !root.dataset.started) {
  root.dataset.started = "1";
  const pages = new Window(root);
  const choice = new Choice(root, pages);
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    choice.show();
    const toast = target.closest?.(".toast") ?? target.querySelector?.(".toast");
    if (toast?.dataset.state === "done" || toast?.dataset.state === "undone") {
      choice.clear();
      pages.reload();
    }
  });
}
// An Undo or Stop that is refused is answered with 400 and a sentence, which belongs where the change was told.
document.querySelector("#change")?.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status !== 400) return;
  detail.shouldSwap = true;
  detail.isError = false;
});
startQueryBar(document.querySelector("#query"));
startFacets();
document.addEventListener("htmx:afterSettle", startFacets);
