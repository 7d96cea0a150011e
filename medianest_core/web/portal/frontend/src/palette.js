// The one search box: ⌘K, Ctrl+K or / opens it; results come as a fragment; arrows move, Enter goes.
import { on } from "./page.js";

const hits = (dialog) => [...dialog.querySelectorAll("[role=option]")];

function choose(dialog, index) {
  const all = hits(dialog);
  const input = dialog.querySelector("input");
  all.forEach((hit, at) => hit.setAttribute("aria-selected", String(at === index)));
  const chosen = all[index];
  if (chosen) {
    input.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  } else input.removeAttribute("aria-activedescendant");
}

export function watchPalette() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("input");
  const open = () => {
    if (dialog.open || document.querySelector("dialog[open]")) return;
    dialog.showModal();
    input.focus();
    input.select();
    if (!hits(dialog).length) input.dispatchEvent(new Event("palette-open", { bubbles: true }));
  };
  on("click", "[data-open-palette]", (event) => {
    event.preventDefault();
    open();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input,textarea,select,[contenteditable]");
    const asked = (event.key === "k" && (event.metaKey || event.ctrlKey)) || (event.key === "/" && !typing);
    if (!asked || event.altKey) return;
    event.preventDefault();
    open();
  });
  input.addEventListener("keydown", (event) => {
    const all = hits(dialog);
    const at = all.findIndex((hit) => hit.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") choose(dialog, Math.min(at + 1, all.length - 1));
    else if (event.key === "ArrowUp") choose(dialog, Math.max(at - 1, 0));
    else if (event.key === "Enter") (all[at] ?? all[0])?.click();
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("htmx:afterSwap", () => {
    input.setAttribute("aria-expanded", String(hits(dialog).length > 0));
    choose(dialog, 0);
  });
}
