// Asks the browser whether it plays a title as it is; what the server said by the browser's name stands where it cannot say.
import { eachFragment, within } from "./page.js";

async function supported(question) {
  if (navigator.mediaCapabilities && navigator.mediaCapabilities.decodingInfo) {
    try {
      return (await navigator.mediaCapabilities.decodingInfo(question)).supported;
    } catch {
      return false; // A browser that does not know the words does not know the thing.
    }
  }
  const type = (question.video || question.audio).contentType;
  return document.createElement("video").canPlayType(type) !== "";
}

/** HDR needs a screen that shows it, beside a browser that can. */
const brightScreen = () => !window.matchMedia || window.matchMedia("(dynamic-range: high)").matches;

async function ask(box) {
  const parts = [...box.querySelectorAll("[data-plays-part]")];
  const able = await Promise.all(
    parts.map((part) => (part.dataset.question ? supported(JSON.parse(part.dataset.question)) : part.hidden)),
  );
  const dim = (part) => part.dataset.playsPart === "hdr" && !brightScreen();
  parts.forEach((part, at) => (part.hidden = able[at] && !dim(part)));
  const verdict = !able.every(Boolean) ? "fails" : parts.some(dim) ? "maybe" : "plays";
  for (const one of box.querySelectorAll("[data-plays-for]")) one.hidden = !one.dataset.playsFor.split(" ").includes(verdict);
}

export function watchPlays() {
  eachFragment((element) => within(element, "[data-plays]").forEach(ask));
}
