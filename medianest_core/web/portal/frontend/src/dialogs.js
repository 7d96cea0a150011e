// <dialog>s: [data-open-dialog=ID] opens, [data-close-dialog] closes; a form with data-confirm asks first, with
// data-confirm-word the word must be typed.
import { on, word } from "./page.js";

let waiting = null;

function ask(form) {
  const dialog = document.getElementById("confirm");
  const input = dialog.querySelector("input");
  const needed = form.dataset.confirmWord ?? "";
  dialog.querySelector("[data-part=text]").textContent = form.dataset.confirm;
  dialog.querySelector("[data-part=title]").textContent = form.dataset.confirmTitle ?? word("sure");
  dialog.querySelector("[data-part=typed]").hidden = !needed;
  dialog.querySelector("[data-part=word]").textContent = needed;
  const go = dialog.querySelector("[data-part=go]");
  go.textContent = form.dataset.confirmLabel ?? word("go");
  go.classList.toggle("btn-error", form.dataset.confirmTone === "error");
  go.classList.toggle("btn-primary", form.dataset.confirmTone !== "error");
  go.disabled = Boolean(needed);
  input.value = "";
  input.oninput = () => (go.disabled = input.value.trim() !== needed);
  waiting = form;
  dialog.showModal();
  (needed ? input : go).focus();
}

export function watchDialogs() {
  on("click", "[data-open-dialog]", (event, button) => {
    const dialog = document.getElementById(button.dataset.openDialog);
    if (!dialog) return;
    event.preventDefault();
    dialog.showModal();
  });
  on("click", "[data-close-dialog]", (_, button) => button.closest("dialog").close());
  on("click", "dialog.modal", (event, dialog) => {
    if (event.target === dialog) dialog.close();
  });
  // before htmx sees the submit, so in the capture phase
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (!form.dataset.confirm || form.dataset.confirmed) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      ask(form);
    },
    true,
  );
  on("submit", "#confirm form", (event) => {
    event.preventDefault();
    event.target.closest("dialog").close();
    const form = waiting;
    waiting = null;
    if (!form?.isConnected) return;
    form.dataset.confirmed = "yes";
    form.requestSubmit();
    delete form.dataset.confirmed;
  });
}
