// Actions that answer at once: a form[data-optimistic=TEXT] writes it into the [data-state] of its [data-swap] or [data-scope] (or
// itself), which is .deciding while the request runs. A refusal takes it back, and the reason is told by a toast.
import { on } from "./page.js";

export function watchOptimistic() {
  on("htmx:beforeRequest", "form[data-optimistic]", (_, form) => {
    const target = form.closest("[data-swap],[data-scope]") ?? form;
    const state = target.querySelector("[data-state]");
    const said = state?.textContent;
    const show = (text, busy) => {
      if (state) state.textContent = text;
      target.classList.toggle("deciding", busy);
    };
    show(form.dataset.optimistic, true);
    form.addEventListener("mn:refused", () => show(said, false), { once: true });
  });
}
