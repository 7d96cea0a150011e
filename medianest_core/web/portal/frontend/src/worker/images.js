// Pictures of the library, for one reader, up to a number. An address that says it changes with its picture is not asked again.
import { kinds, sweep, trim } from "./held.js";

const most = 400;
const largest = 512 * 1024;
const between = 20;

export class Images {
  constructor(prefix) {
    this.prefix = prefix;
    this.added = 0;
  }

  only(reader) {
    return sweep(this.prefix, (kind) => reader !== "-" && kind === reader);
  }

  /** pages: knows who reads. */
  async answer(event, pages) {
    const { request } = event;
    const { reader } = pages;
    const held = await this.find(request, reader);
    if (held?.headers.get("Cache-Control")?.includes("immutable")) return held;
    try {
      const response = await fetch(request);
      if (response.ok && reader && response.headers.get("Portal-Reader") === reader) {
        event.waitUntil(this.keep(request, response.clone(), reader, pages));
      }
      return response;
    } catch (error) {
      if (held) return held;
      throw error;
    }
  }

  async find(request, reader) {
    for (const kind of reader ? [reader] : await kinds(this.prefix)) {
      if (!(await caches.has(this.prefix + kind))) continue;
      const found = await (await caches.open(this.prefix + kind)).match(request, { ignoreVary: true });
      if (found) return found;
    }
    return undefined;
  }

  async keep(request, response, reader, pages) {
    if (Number(response.headers.get("Content-Length") ?? 0) > largest) return;
    const cache = await caches.open(this.prefix + reader);
    await cache.put(request, response);
    if (pages.reader !== reader) {
      await caches.delete(this.prefix + reader);
      return;
    }
    this.added += 1;
    if (this.added % between === 1) await trim(cache, most);
  }
}
