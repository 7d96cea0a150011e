// The live indicator: live, reconnecting, or stale since a time. Nothing pretends to be live.
import { word } from "./page.js";

const patience = 8000;
let timer = 0;
let since = Date.now();

function show(state) {
  if (state === "stale") document.dispatchEvent(new CustomEvent("mn:stale"));
  for (const element of document.querySelectorAll("[data-live-indicator]")) {
    element.dataset.state = state;
    const text = element.querySelector(".live-text");
    const clock = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(since);
    const said = state === "live" ? word("live") : state === "connecting" ? word("connecting") : word("stale", { time: clock });
    if (text.textContent !== said) text.textContent = said;
  }
}

/** For a page that was kept: stale since the time it was made (milliseconds). */
export function setStale(at) {
  since = at;
  show("stale");
}

export function setLive(state) {
  if (state === "live") {
    clearTimeout(timer);
    timer = 0;
    since = Date.now();
    show("live");
  } else if (state === "stale") show("stale");
  else if (!timer) {
    since = Date.now();
    show("connecting");
    timer = setTimeout(() => show("stale"), patience);
  }
}
