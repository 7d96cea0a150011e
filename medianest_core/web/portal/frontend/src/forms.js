// Form helpers: warn before leaving with unsaved changes, take over the other's value, jump to the first error.
import { eachFragment, on, within } from "./page.js";

const dirty = new Set();

export function watchForms() {
  on("input", "form[data-guard]", (_, form) => {
    dirty.add(form);
    form.querySelector("[data-part=unsaved]")?.removeAttribute("hidden");
  });
  on("input", "[data-patient] form", (_, form) => form.setAttribute("data-touched", ""));
  on("submit", "form[data-guard]", (_, form) => dirty.delete(form));
  addEventListener("beforeunload", (event) => {
    for (const form of dirty) if (!form.isConnected) dirty.delete(form);
    if (dirty.size) event.preventDefault();
  });
  // a stale save shows the stored value beside ours; this takes it over
  on("click", "[data-take]", (_, button) => {
    const input = button.closest(".field").querySelector("[name]:not([type=hidden])");
    if (input.type === "checkbox") input.checked = button.dataset.take === "true";
    else input.value = button.dataset.take;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    button.closest(".theirs").remove();
  });
  on("change", "form[data-submit-on-change]", (_, form) => form.requestSubmit());
  eachFragment((element) => {
    const first = within(element, ".field.invalid [name]:not([type=hidden])")[0];
    first?.focus();
  });
}
