// The browser's time zone goes into a cookie, for people who have chosen none: the server writes times in it.
// Ages such as "3 minutes ago" are kept true: every <time data-age> is worded again each half minute.
import { root } from "./page.js";

const language = document.documentElement.lang || "en";
const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const units = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

export function age(seconds) {
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return words.format(Math.round(seconds / size), unit);
}

function tellZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || document.cookie.includes(`mn_zone=${zone}`)) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `mn_zone=${zone}; Path=${root() || "/"}; Max-Age=31536000; SameSite=Lax${secure}`;
}

export function watchTimes() {
  tellZone();
  setInterval(() => {
    for (const element of document.querySelectorAll("time[data-age]")) {
      const since = (Date.parse(element.dateTime) - Date.now()) / 1000;
      if (Math.abs(since) >= 10 && Math.abs(since) < 2592000) element.textContent = age(since);
    }
  }, 30000);
}
