// The theme is a cookie that the server renders into <html data-theme>; changing it here needs no reload.
import { on, root } from "./page.js";

const year = 31536000;

export function watchTheme() {
  on("change", "input[name=mn_theme]", (_, input) => {
    const page = document.documentElement;
    if (input.value === "auto") delete page.dataset.theme;
    else page.dataset.theme = input.value;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `mn_theme=${input.value}; Path=${root() || "/"}; Max-Age=${year}; SameSite=Lax${secure}`;
    for (const same of document.querySelectorAll(`input[name=mn_theme][value=${input.value}]`)) same.checked = true;
  });
}
