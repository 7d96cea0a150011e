// Caches whose names begin with a prefix; the rest of the name says of what or whom they are.

/** The parts of the names after the prefix. */
export async function kinds(prefix) {
  const names = await caches.keys();
  return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}

/** Delete all but those that `keep` says yes to. */
export async function sweep(prefix, keep) {
  const found = await kinds(prefix);
  await Promise.all(found.filter((kind) => !keep(kind)).map((kind) => caches.delete(prefix + kind)));
}

/** Keep at most so many entries; those written longest ago go first. */
export async function trim(cache, most) {
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, Math.max(0, keys.length - most)).map((key) => cache.delete(key)));
}
