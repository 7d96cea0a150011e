// htmx with everything off that a strict content policy forbids, morphing swaps, and errors told in words.
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";
import { holding, kept } from "./lists.js";
import { word } from "./page.js";
import { toast } from "./toasts.js";

Object.assign(htmx.config, {
  includeIndicatorStyles: false,
  allowEval: false,
  allowScriptTags: false,
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
  attributesToSettle: ["class", "width", "height"],
  selfRequestsOnly: true,
  timeout: 20000,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "422", swap: true },
    { code: "[45]..", swap: false, error: true },
  ],
});

htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap(style, target, fragment) {
    if (style !== "morph" && style !== "morph:innerHTML") return false;
    const morphStyle = style === "morph" ? "outerHTML" : "innerHTML";
    const children = fragment.nodeType === Node.DOCUMENT_FRAGMENT_NODE ? [...fragment.children] : [fragment];
    const hold = holding(target);
    const made = Idiomorph.morph(target, morphStyle === "outerHTML" ? children : fragment.childNodes, {
      morphStyle,
      ignoreActiveValue: true,
      callbacks: {
        // a fold the reader opened, and an image already faded in, stay as they are; so does what is being written in a list
        beforeAttributeUpdated: (name, node) =>
          !(name === "open" && node.tagName === "DETAILS") && !(name === "class" && node.tagName === "IMG") && !kept(name, node),
      },
    });
    hold();
    return made;
  },
});

/** A refusal's reason: the server's own words, or a plain sentence. */
function reason(xhr) {
  const told = xhr.getResponseHeader("X-Reason");
  if (told) return decodeURIComponent(told);
  if (xhr.getResponseHeader("Content-Type")?.includes("problem+json")) {
    try {
      const problem = JSON.parse(xhr.responseText);
      return problem.detail || problem.title;
    } catch {
      return word("failed");
    }
  }
  if (xhr.status === 401) return word("signedOut");
  if (xhr.status === 403) return word("refused");
  if (xhr.status === 409) return word("conflict");
  if (xhr.status === 429) return word("slowDown");
  return word("failed");
}

/** What reloads by itself fails without a word; what somebody sends from within it does not. */
const quiet = (element) => Boolean(element.closest("form,[data-quiet]")?.matches("[data-quiet]"));

document.addEventListener("htmx:responseError", ({ detail }) => {
  const text = reason(detail.xhr);
  detail.elt.dispatchEvent(new CustomEvent("mn:refused", { bubbles: true, detail: { text } }));
  if (!quiet(detail.elt)) toast(text, "error");
  if (detail.xhr.status === 401) location.reload();
});
for (const type of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(type, ({ detail }) => {
    detail.elt.dispatchEvent(new CustomEvent("mn:refused", { bubbles: true, detail: { text: word("offline") } }));
    if (!quiet(detail.elt)) toast(word("offline"), "error");
  });
}

export default htmx;
