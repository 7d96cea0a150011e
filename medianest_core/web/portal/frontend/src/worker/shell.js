// The files of one build, and the page that is shown where nothing else is there.
import { sweep } from "./held.js";

export class Shell {
  constructor(prefix, build, root, files) {
    Object.assign(this, { prefix, build, files, place: `${root}/offline` });
  }

  open() {
    return caches.open(this.prefix + this.build);
  }

  async fill() {
    const cache = await this.open();
    await cache.addAll(this.files);
    await cache.add(new Request(this.place, { cache: "no-cache" }));
  }

  tidy() {
    return sweep(this.prefix, (build) => build === this.build);
  }

  async file(request) {
    return (await (await this.open()).match(request, { ignoreVary: true })) ?? fetch(request);
  }

  async offline() {
    const found = await (await this.open()).match(this.place, { ignoreVary: true });
    return found ?? Response.error();
  }

  /** The offline page in the language that the person reads now. */
  async speak(language) {
    const cache = await this.open();
    const found = await cache.match(this.place, { ignoreVary: true });
    if (found?.headers.get("Content-Language") === language) return;
    await cache.add(new Request(this.place, { cache: "no-cache" }));
  }
}
