// Ages such as "3 minutes ago" are kept true: every <time data-age> is worded again each half minute.
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

export function watchTimes() {
  setInterval(() => {
    for (const element of document.querySelectorAll("time[data-age]")) {
      const since = (Date.parse(element.dateTime) - Date.now()) / 1000;
      if (Math.abs(since) >= 10 && Math.abs(since) < 2592000) element.textContent = age(since);
    }
  }, 30000);
}
