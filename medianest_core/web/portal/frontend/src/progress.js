// Progress rows are patched in place: [data-progress="download/ID"] holds [data-part] bar, percent, rate, left, text, count.
// The payload: {id, state, fraction, done, total, rate, left, text, items: [{id, …}]}; what is absent stays as it was.
import { word } from "./page.js";

const language = document.documentElement.lang || "en";
const percent = new Intl.NumberFormat(language, { style: "percent" });
const plain = new Intl.NumberFormat(language);
const finished = new Set(["done", "failed", "cancelled", "partial"]);

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
  if ("rate" in data) set(row, "rate", data.rate ? `${bytes(data.rate)}/s` : "");
  if ("left" in data) set(row, "left", data.left === null ? "" : timeLeft(data.left));
  if (data.text !== undefined) set(row, "text", data.text ?? "");
  if (typeof data.done === "number" && typeof data.total === "number" && data.total > 0)
    set(row, "count", `${plain.format(data.done)} / ${plain.format(data.total)}`);
  if (data.state && row.dataset.state && row.dataset.state !== data.state) {
    row.dataset.state = data.state;
    const holder = row.closest("[data-live-topic]");
    if (holder) holder.dispatchEvent(new CustomEvent("live", { detail: { name: "state" } }));
  }
}

/** Patch every row of `kind/id` and of its items; false when there is none, so that fragments may load instead. */
export function patchProgress(kind, data) {
  if (!data?.id) return false;
  const rows = document.querySelectorAll(`[data-progress="${CSS.escape(kind)}/${CSS.escape(String(data.id))}"]`);
  rows.forEach((row) => patch(row, data));
  for (const item of data.items ?? []) {
    const key = `[data-progress="${CSS.escape(kind)}/${CSS.escape(String(data.id))}/${CSS.escape(String(item.id))}"]`;
    document.querySelectorAll(key).forEach((row) => patch(row, item));
  }
  return rows.length > 0 && !finished.has(data.state);
}
