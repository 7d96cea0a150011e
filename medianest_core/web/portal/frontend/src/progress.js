// Progress rows are patched in place: [data-progress="download/ID"] holds [data-part] percent, rate, left, text, count and a
// <progress>. What an event does not say stays as it was.
import { word } from "./page.js";

const language = document.documentElement.lang || "en";
const percent = new Intl.NumberFormat(language, { style: "percent" });
const plain = new Intl.NumberFormat(language);

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const figures = { maximumFractionDigits: unit > 1 && value < 100 ? 1 : 0 };
  return `${new Intl.NumberFormat(language, figures).format(value)} ${units[unit]}`;
}

function timeLeft(seconds) {
  if (seconds < 60) return word("leftSeconds", { count: Math.max(1, Math.round(seconds / 5) * 5) });
  if (seconds < 5400) return word("leftMinutes", { count: Math.round(seconds / 60) });
  return word("leftHours", { count: Math.round(seconds / 3600) });
}

function set(row, part, text) {
  const element = row.querySelector(`[data-part=${part}]`);
  if (element && element.textContent !== text) element.textContent = text;
}

function patch(row, data) {
  const bar = row.querySelector("progress");
  if (bar && typeof data.fraction === "number") {
    bar.value = Math.max(0, Math.min(1, data.fraction));
    set(row, "percent", percent.format(bar.value));
  }
  if (data.rate !== undefined) set(row, "rate", data.rate ? `${bytes(data.rate)}/s` : "");
  if (data.left !== undefined) set(row, "left", data.left === null ? "" : timeLeft(data.left));
  if (data.text) set(row, "text", data.text);
  if (typeof data.done === "number" && data.total > 0) set(row, "count", `${plain.format(data.done)} / ${plain.format(data.total)}`);
  if (data.state && row.dataset.state && row.dataset.state !== data.state) {
    row.dataset.state = data.state;
    row.closest("[data-live-topic]")?.dispatchEvent(new CustomEvent("live", { detail: { name: "state" } }));
  }
}

/** Patch the rows that stand on the page. */
export function patchProgress(rows) {
  for (const data of rows) document.querySelectorAll(`[data-progress="${CSS.escape(data.key)}"]`).forEach((row) => patch(row, data));
}
