// What a page does when the portal cannot be reached: says so with the age of what it shows, refuses to send anything, and comes
// back by itself. Registers the service worker, which exists in secure contexts only.
import { setStale } from "./indicator.js";
import { on, root, word } from "./page.js";
import { age } from "./times.js";
import { toast } from "./toasts.js";

const first = 5000;
const slowest = 120000;
const counter = "offline:tries";
const reads = () => new Date(Number(document.body.dataset.keptAt || 0) * 1000 || performance.timeOrigin);
const clock = new Intl.DateTimeFormat(document.documentElement.lang || "en", { dateStyle: "medium", timeStyle: "short" });
let away = false;

async function register() {
  if (!window.isSecureContext || !navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register(`${root()}/sw.js`, { scope: `${root()}/`, updateViaCache: "none" });
  } catch {
    // private windows and full disks refuse it; the portal works without
    return;
  }
  if (document.body.dataset.keptAt || document.getElementById("offline")) return;
  // a page that came through the worker is known to it
  const address = navigator.serviceWorker.controller ? "" : location.pathname + location.search;
  const tell = async () => {
    const { active } = await navigator.serviceWorker.ready;
    active?.postMessage({ type: "page", address, language: document.documentElement.lang });
  };
  tell();
  navigator.serviceWorker.addEventListener("controllerchange", tell);
}

function show() {
  away = true;
  document.documentElement.classList.add("away");
  const banner = document.getElementById("away");
  if (!banner) return;
  const when = banner.querySelector("time");
  when.dateTime = reads().toISOString();
  when.title = clock.format(reads());
  when.textContent = age(Math.min(-1, (reads() - Date.now()) / 1000));
  banner.hidden = false;
}

function hide() {
  away = false;
  document.documentElement.classList.remove("away");
  const banner = document.getElementById("away");
  if (banner) banner.hidden = true;
}

async function reachable() {
  try {
    return (await fetch(`${root()}/readyz`, { cache: "no-store", signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return false;
  }
}

/** Ask until the portal answers. A page that was kept is then loaded anew; when that fails each time, the waits grow. */
async function comeBack(kept) {
  const tries = Number(sessionStorage.getItem(counter) || 0);
  let wait = Math.min(first * 2 ** tries, slowest);
  for (;;) {
    await new Promise((done) => {
      const timer = setTimeout(done, wait);
      addEventListener("online", () => (clearTimeout(timer), done()), { once: true });
    });
    if (!document.hidden && (await reachable())) break;
    wait = Math.min(wait * 1.5, slowest);
  }
  if (kept) {
    sessionStorage.setItem(counter, String(tries + 1));
    if (location.pathname === `${root()}/offline`) location.replace(`${root()}/`);
    else location.reload();
  } else hide();
}

let asking = null;

function lost() {
  if (away) return;
  show();
  asking ??= comeBack(false).finally(() => (asking = null));
}

/** Words on a control, and a refusal when it is used all the same. */
function refuse(event) {
  if (!away) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  toast(word("readOnly"), "warning");
}

function refuseWrites() {
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      const method = (event.submitter?.getAttribute("formmethod") ?? form.getAttribute("method") ?? "get").toLowerCase();
      const sends = method === "post" || form.matches("[hx-post],[hx-put],[hx-patch],[hx-delete]");
      // signing out also deletes what this device holds, which needs no portal
      if (sends && !form.action.endsWith("/sign-out")) refuse(event);
    },
    true,
  );
  document.addEventListener(
    "click",
    (event) => {
      if (event.target instanceof Element && event.target.closest("[hx-post],[hx-put],[hx-patch],[hx-delete]")) refuse(event);
    },
    true,
  );
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb !== "get") refuse(event);
  });
}

/** The offline page: what this device can show, newest first. */
async function list() {
  const place = document.getElementById("kept-pages");
  const blank = document.getElementById("kept-page");
  if (!place || !blank || !window.caches) return;
  const found = [];
  for (const name of (await caches.keys()).filter((one) => one.startsWith(`medianest:${root()}:pages:`))) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const response = await cache.match(request);
      const title = decodeURIComponent(response.headers.get("Portal-Title") ?? "");
      if (title) found.push({ href: request.url, title, at: Number(response.headers.get("Portal-Kept-At")) });
    }
  }
  found.sort((one, other) => other.at - one.at);
  const parser = new DOMParser();
  for (const { href, title, at } of found.slice(0, 50)) {
    const item = blank.content.firstElementChild.cloneNode(true);
    const plain = parser.parseFromString(title, "text/html").body.textContent;
    item.querySelector("a").href = href;
    item.querySelector("[data-title]").textContent = plain.split(" · ").slice(0, -1).join(" · ") || plain;
    const when = item.querySelector("time");
    when.dateTime = new Date(at * 1000).toISOString();
    when.title = clock.format(at * 1000);
    when.textContent = age(Math.min(-1, at - Date.now() / 1000));
    place.append(item);
  }
  if (found.length) document.getElementById("kept-some").hidden = false;
}

export function watchOffline() {
  const { keptAt } = document.body.dataset;
  on("click", "[data-again]", () => location.reload());
  refuseWrites();
  if (keptAt) {
    // as it was kept: the theme is a cookie that may have changed since
    const theme = /(?:^|; )mn_theme=([\w-]+)/.exec(document.cookie)?.[1];
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else if (theme) document.documentElement.dataset.theme = theme;
    document.body.dataset.quiet = "";
    setStale(reads());
    show();
    comeBack(true);
  } else if (document.getElementById("offline")) {
    list();
    comeBack(true);
  } else {
    sessionStorage.removeItem(counter);
    addEventListener("offline", lost);
    document.addEventListener("mn:stale", async () => {
      if (!(await reachable())) lost();
    });
  }
  register();
}
