// Deciding by keyboard where a list waits for an admin ([data-triage]): j and k move, a approves, d asks for a reason and
// declines, o opens, ? tells the keys. One letter each, so they can be switched off ([data-shortcuts]), for this device.
import { eachFragment, on, within } from "./page.js";

const stored = "mn-shortcuts";

/** Whether keys without Ctrl or ⌘ do something on this device. */
export const shortcutsOn = () => localStorage.getItem(stored) !== "off";

const rows = () => [...document.querySelectorAll("[data-triage] [data-swap]")];
const current = () => document.activeElement?.closest?.("[data-triage] [data-swap]") ?? null;

function stand(row) {
  if (!row) return;
  row.tabIndex = -1;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = rows();
  const at = all.indexOf(current());
  stand(all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + step))]);
}

/** The next row that waits for a decision, below first. */
function following(row) {
  const all = rows();
  const at = all.indexOf(row);
  return [...all.slice(at + 1), ...all.slice(0, at)].find((one) => one.hasAttribute("data-decide"));
}

function approve(row) {
  row.querySelector("form[action$='/approve']")?.requestSubmit();
  stand(following(row) ?? row);
}

function decline(row) {
  const fold = row.querySelector("details:has(form[action$='/decline'])");
  if (!fold) return;
  fold.open = true;
  fold.querySelector("input[name=reason]").focus();
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  a: () => current()?.hasAttribute("data-decide") && approve(current()),
  d: () => current() && decline(current()),
  o: () => current()?.querySelector("a[href]")?.click(),
  "?": () => document.getElementById("triage-keys")?.showModal(),
};

export function watchTriage() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!document.querySelector("[data-triage]") || document.querySelector("dialog[open]")) return;
    const typing = event.target.closest?.("input,textarea,select,[contenteditable]");
    if (typing) {
      // back from the reason to its row
      const row = event.key === "Escape" && typing.closest("[data-triage] [data-swap]");
      if (row) {
        typing.closest("details").open = false;
        stand(row);
      }
      return;
    }
    const act = Object.hasOwn(keys, event.key) && shortcutsOn() ? keys[event.key] : null;
    if (!act) return;
    event.preventDefault();
    act();
  });
  // a reason was sent with Enter: on to the next
  on("submit", "[data-triage] form[action$='/decline']", (_, form) => {
    const row = form.closest("[data-swap]");
    if (row.contains(document.activeElement)) stand(following(row) ?? row);
  });
  eachFragment((element) => within(element, "[data-shortcuts]").forEach((box) => (box.checked = shortcutsOn())));
  on("change", "[data-shortcuts]", (_, box) => localStorage.setItem(stored, box.checked ? "on" : "off"));
}
