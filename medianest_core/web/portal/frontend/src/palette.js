// The one search box: ⌘K, Ctrl+K or / opens it; results come as a fragment; arrows move, Enter goes.
import { on } from "./page.js";
import { shortcutsOn } from "./triage.js";

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

/** How many there are, for those who do not see them. */
function tell(dialog, count) {
  const status = dialog.querySelector("[role=status]");
  const { one, many, none } = status.dataset;
  status.textContent = count === 0 ? none : count === 1 ? one : many.replace("#", count);
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
    const asked = (event.key === "k" && (event.metaKey || event.ctrlKey)) || (event.key === "/" && !typing && shortcutsOn());
    if (!asked || event.altKey) return;
    event.preventDefault();
    open();
  });
  let typed = false;
  let entered = false;
  input.addEventListener("input", () => {
    typed = true;
    entered = false;
  });
  input.addEventListener("keydown", (event) => {
    const all = hits(dialog);
    const at = all.findIndex((hit) => hit.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") choose(dialog, Math.min(at + 1, all.length - 1));
    else if (event.key === "ArrowUp") choose(dialog, Math.max(at - 1, 0));
    else if (event.key === "Enter") {
      // Who types quickly means what was typed, not what was found before.
      if (typed) entered = true;
      else (all[at] ?? all[0])?.click();
    } else return;
    event.preventDefault();
  });
  dialog.addEventListener("htmx:afterSwap", (event) => {
    const all = hits(dialog);
    const answered = event.detail.requestConfig?.elt === input;
    input.setAttribute("aria-expanded", String(all.length > 0));
    // What the catalogs know comes later: it must not take the choice away that somebody has made meanwhile.
    const chosen = answered ? 0 : all.findIndex((hit) => hit.getAttribute("aria-selected") === "true");
    choose(dialog, Math.max(chosen, 0));
    const none = dialog.querySelector("[data-palette-none]");
    if (none) none.hidden = all.length > 0;
    tell(dialog, all.length);
    if (!answered || input.value !== event.detail.requestConfig.parameters.q) return;
    typed = false;
    if (entered) all[0]?.click();
    entered = false;
  });
}
