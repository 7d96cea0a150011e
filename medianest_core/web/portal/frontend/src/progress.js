// Progress rows are patched in place: [data-progress="download/ID"] holds [data-part] bar, percent, rate, left, text, count.
// What an event does not say stays as it was.
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
  if (data.rate !== undefined) set(row, "rate", data.rate ? `${bytes(data.rate)}/s` : "");
  if (data.left !== undefined) set(row, "left", data.left === null ? "" : timeLeft(data.left));
  if (data.text !== undefined) set(row, "text", data.text ?? "");
  if (typeof data.done === "number" && typeof data.total === "number" && data.total > 0)
    set(row, "count", `${plain.format(data.done)} / ${plain.format(data.total)}`);
  if (data.state && row.dataset.state && row.dataset.state !== data.state) {
    row.dataset.state = data.state;
    const holder = row.closest("[data-live-topic]");
    if (holder) holder.dispatchEvent(new CustomEvent("live", { detail: { name: "state" } }));
  }
}

/** The server's progress events in the shape that rows are patched with; `item` is set where it speaks of one item. */
export function reading(kind, data) {
  const part = (done, total) => (total ? done / total : undefined);
  if (kind === "download")
    return {
      id: data.download_id,
      item: data.item_id,
      state: data.status || undefined,
      fraction: typeof data.percent === "number" ? data.percent / 100 : undefined,
      rate: data.speed,
      left: data.eta,
      text: data.message || undefined,
    };
  if (kind === "job")
    return { id: data.job_id, fraction: part(data.done, data.total), done: data.done, total: data.total, text: data.message };
  return {
    id: data.job_id || data.run_id,
    fraction: part(data.done, data.total),
    done: data.done,
    total: data.total,
    left: data.eta,
    text: data.message,
  };
}

/** Patch every row of `kind/id` or `kind/id/item`; false when there is none, so that fragments may load instead. */
export function patchProgress(kind, event) {
  const data = reading(kind, event ?? {});
  if (!data.id) return false;
  const key = data.item ? `${kind}/${data.id}/${data.item}` : `${kind}/${data.id}`;
  const rows = document.querySelectorAll(`[data-progress="${key}"]`);
  rows.forEach((row) => patch(row, data));
  return rows.length > 0 && !finished.has(data.state);
}
