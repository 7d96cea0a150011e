// A list that keeps itself true ([data-live-list]): it is asked for anew with as many rows ([data-row]) as it shows. What comes
// in above or goes away moves neither what is being read nor the focus, and takes nobody's words. [data-live-own=PREFIX]: rows whose id is
// PREFIX and the thing's hear of some events themselves; then the list is asked for only where a thing is not in it.
import { on } from "./page.js";

const rows = (list) => [...list.querySelectorAll("[data-row]")];

/** What is written into a list's forms and not sent yet stays when the list comes anew, and so does what a row's focus stands on. */
export const kept = (name, node) =>
  ((name === "tabindex" && node === document.activeElement) || (name === "value" && node.type !== "hidden")) &&
  Boolean(node.closest("[data-live-list]"));

/** Note where the reader of a list stands; the answer puts that back once the list was changed. */
export function holding(list) {
  if (!list.matches("[data-live-list]")) return () => {};
  const before = rows(list);
  const focused = before.findIndex((row) => row.contains(document.activeElement));
  const top = scrollY;
  // the rows from the one that is read on, and where each stands in the window
  const places = before.map((row) => [row, row.getBoundingClientRect()]).filter(([, box]) => box.bottom > 0);
  return () => {
    if (focused >= 0 && !before[focused].isConnected) {
      const next = [...before.slice(focused + 1), ...before.slice(0, focused).reverse()].find((row) => row.isConnected);
      if (next) {
        next.tabIndex = -1;
        next.focus({ preventScroll: true });
      }
    }
    const place = places.find(([row]) => row.isConnected);
    // whoever stands at the top sees what is new there
    if (top > 0 && place) scrollBy({ top: place[0].getBoundingClientRect().top - place[1].top, behavior: "instant" });
  };
}

/** The end of a list whose next part did not come says so, and asks again when it is told to or the network is back. */
function watchEnds() {
  const again = (end) => {
    end.classList.remove("failed");
    end.dispatchEvent(new Event("again"));
  };
  on("mn:refused", ".sentinel", (_, end) => end.classList.add("failed"));
  on("click", "[data-more]", (_, button) => again(button.closest(".sentinel")));
  addEventListener("online", () => document.querySelectorAll(".sentinel.failed").forEach(again));
}

export function watchLists() {
  watchEnds();
  on("htmx:configRequest", "[data-live-list]", (event, list) => {
    if (event.target === list) event.detail.parameters.shown = String(rows(list).length);
  });
}
