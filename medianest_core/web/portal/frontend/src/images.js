// Images fade in once; those that fail give way to the placeholder drawn beneath them.
import { eachFragment, within } from "./page.js";

export function watchImages() {
  eachFragment((element) => {
    for (const image of within(element, "img[data-fade]")) {
      const show = () => image.classList.add("seen");
      if (image.complete && image.naturalWidth) show();
      else {
        image.addEventListener("load", show, { once: true });
        image.addEventListener("error", () => image.remove(), { once: true });
      }
    }
  });
}
