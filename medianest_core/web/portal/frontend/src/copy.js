// Copy buttons: [data-copy] copies its value, or the text of the element it names. Only shown in a secure context.
import { on, word } from "./page.js";
import { toast } from "./toasts.js";

export function watchCopy() {
  on("click", "[data-copy]", async (_, button) => {
    const source = button.dataset.copyFrom ? document.getElementById(button.dataset.copyFrom) : null;
    try {
      await navigator.clipboard.writeText(source ? (source.value ?? source.textContent.trim()) : button.dataset.copy);
      toast(word("copied"), "success");
    } catch {
      toast(word("copyFailed"), "error");
    }
  });
}
