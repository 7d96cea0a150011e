// Pages and parts of pages as they were read last, for one reader and one build.
import { kinds, sweep, trim } from "./held.js";

const most = 150;
const longest = 14 * 86400;

export class Pages {
  constructor(prefix, build) {
    Object.assign(this, { prefix, build });
    this.reader = null;
    // Counts deletions: an answer that was under way meanwhile is not kept.
    this.turn = 0;
  }

  name(reader) {
    return `${this.prefix}${this.build}:${reader}`;
  }

  /** Delete what others read. */
  async only(reader) {
    this.turn += 1;
    this.reader = reader;
    await sweep(this.prefix, (kind) => reader !== "-" && kind.endsWith(`:${reader}`));
  }

  tidy() {
    return sweep(this.prefix, (kind) => kind.startsWith(`${this.build}:`));
  }

  /** An answer that names its reader; not if anything was deleted since `turn`, unless to make room for this reader. */
  async keep(request, response, turn) {
    const reader = response.headers.get("Portal-Reader");
    const overtaken = () => reader !== this.reader || (this.turn !== turn && this.turn !== turn + 1);
    const text = await response.text();
    if (overtaken()) return;
    const headers = new Headers(response.headers);
    for (const name of ["Content-Encoding", "Content-Length", "ETag", "Vary"]) headers.delete(name);
    headers.set("Cache-Control", "no-store");
    headers.set("Portal-Kept-At", String(Date.now() / 1000));
    headers.set("Portal-Title", encodeURIComponent(/<title>([^<]*)<\/title>/.exec(text)?.[1] ?? ""));
    const cache = await caches.open(this.name(reader));
    await cache.put(key(request), new Response(text, { headers }));
    if (overtaken()) await caches.delete(this.name(reader));
    else await trim(cache, most);
  }

  async match(request) {
    for (const kind of await kinds(`${this.prefix}${this.build}:`)) {
      const cache = await caches.open(`${this.prefix}${this.build}:${kind}`);
      const found = await cache.match(key(request));
      if (found && Date.now() / 1000 - Number(found.headers.get("Portal-Kept-At")) < longest) return found;
    }
    return undefined;
  }

  async holds(request) {
    return Boolean(await this.match(request));
  }

  /** What was read last, marked with its time; undefined where there is nothing. */
  async find(request) {
    const found = await this.match(request);
    if (!found) return undefined;
    const text = await found.text();
    const marked = text.replace("<body ", `<body data-kept-at="${Number(found.headers.get("Portal-Kept-At"))}" `);
    return new Response(marked, { headers: found.headers });
  }
}

/** A part of a page is told from the page by its key, because both may have the same address. */
function key(request) {
  const address = new URL(request.url);
  address.hash = "";
  if (request.headers.get("HX-Request")) address.searchParams.append("-part", "1");
  return address.href;
}
