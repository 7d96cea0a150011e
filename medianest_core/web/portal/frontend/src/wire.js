// What live events carry, in the terms of the page: which thing an event is about, and how far work is.

const ids = ["request_id", "issue_id", "monitor_id", "download_id", "job_id", "instance_id", "notification_id", "user_id", "plugin", "run_id", "id"];

/** The ids of what an event is about, as data-live-topic="NAME/ID" names them: of one thing, or of titles of the library. */
export const subjects = (data) => {
  const one = ids.map((name) => data?.[name]).find((value) => value !== undefined && value !== "");
  return one === undefined ? (data?.title_ids ?? []) : [one, ...(data.title_ids ?? [])];
};

const part = (done, total) => (typeof done === "number" && total > 0 ? done / total : undefined);

function download(data) {
  const fraction = part(data.done_bytes, data.total_bytes) ?? (typeof data.percent === "number" ? data.percent / 100 : undefined);
  const key = data.item_id ? `download/${data.download_id}/${data.item_id}` : `download/${data.download_id}`;
  // its status says what is done at this moment (fetching, merging, moving); changes of state come as download:changed
  return [{ key, fraction, rate: data.speed, left: data.eta, text: data.message }];
}

function job(data) {
  return [{ key: `job/${data.job_id}`, fraction: part(data.done, data.total), done: data.done, total: data.total, text: data.message, left: data.facts?.eta }];
}

function sync(data) {
  const whole = { fraction: part(data.done, data.total), done: data.done, total: data.total, left: data.eta, text: data.message };
  const rows = [{ key: `sync/${data.run_id}`, ...whole }];
  if (data.job_id) rows.push({ key: `job/${data.job_id}`, ...whole }, { key: `sync/${data.job_id}`, ...whole });
  for (const [id, one] of Object.entries(data.instances ?? {})) {
    rows.push({ key: `sync/${data.run_id}/${id}`, fraction: part(one.done, one.total), done: one.done, total: one.total, left: one.eta, text: one.message });
  }
  return rows;
}

const kinds = { "download:progress": download, "job:progress": job, "sync:progress": sync };

/** The progress rows an event speaks of: {key, fraction, done, total, rate, left, text, state}; null for other events. */
export const progressOf = (name, data) => kinds[name]?.(data ?? {}) ?? null;
