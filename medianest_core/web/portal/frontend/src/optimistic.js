// Actions that answer at once: a form[data-optimistic=CLASS] puts the class on its [data-swap] (or itself) while the request
// runs; a refusal takes it back, and the reason is told by a toast. data-pressed flips aria-pressed of the button.
import { on } from "./page.js";

function flip(form) {
  const target = form.closest("[data-swap]") ?? form;
  const name = form.dataset.optimistic;
  const had = target.classList.contains(name);
  target.classList.toggle(name, !had);
  const button = form.querySelector("[aria-pressed]");
  const pressed = button?.getAttribute("aria-pressed");
  button?.setAttribute("aria-pressed", String(pressed !== "true"));
  return () => {
    target.classList.toggle(name, had);
    if (button) button.setAttribute("aria-pressed", pressed);
  };
}

export function watchOptimistic() {
  on("htmx:beforeRequest", "form[data-optimistic]", (_, form) => {
    const undo = flip(form);
    const settle = () => {
      form.removeEventListener("mn:refused", refused);
      form.removeEventListener("htmx:afterSwap", settle);
    };
    const refused = () => {
      undo();
      settle();
    };
    form.addEventListener("mn:refused", refused);
    form.addEventListener("htmx:afterSwap", settle);
  });
}
