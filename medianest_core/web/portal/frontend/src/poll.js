// [data-poll=PATH][data-every=SECONDS]: fetches PATH and morphs the answer in, for what has no socket yet (sign-in by code).
// Pauses while the page is hidden, slows down after failures, stops when the answer no longer asks for it.
import htmx from "./htmx.js";
import { eachFragment, within } from "./page.js";

const running = new WeakSet();

async function poll(element) {
  if (running.has(element)) return;
  running.add(element);
  let slower = 1;
  while (element.isConnected && element.dataset.poll) {
    await new Promise((done) => setTimeout(done, Number(element.dataset.every || 2) * 1000 * slower));
    if (!element.isConnected || !element.dataset.poll) return;
    if (document.hidden) continue;
    const failed = { now: false };
    const note = () => (failed.now = true);
    element.addEventListener("mn:refused", note);
    await htmx.ajax("GET", element.dataset.poll, { source: element, target: element, swap: "morph" });
    element.removeEventListener("mn:refused", note);
    slower = failed.now ? Math.min(slower * 2, 8) : 1;
  }
}

export function watchPolls() {
  eachFragment((element) => within(element, "[data-poll]").forEach(poll));
}
