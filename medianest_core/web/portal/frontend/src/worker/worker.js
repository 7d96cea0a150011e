// The service worker. Online it changes nothing but to answer for static files and pictures it holds; when the portal cannot be
// reached it shows what was read last, with its age. The portal puts `self.portal` before this text: {root, build, files, icon}.
//
// What was read is private. Each answer names its reader in `Portal-Reader` ("-" for nobody), and only the newest reader's pages
// are held: signing out, signing in as somebody else, and asking to sign out delete all others.
import { Images } from "./images.js";
import { Pages } from "./pages.js";
import { open, show } from "./push.js";
import { Shell } from "./shell.js";

const { root, build, files, icon } = self.portal;
const prefix = `medianest:${root}:`;
const shell = new Shell(`${prefix}shell:`, build, root, files);
const pages = new Pages(`${prefix}pages:`, build);
const images = new Images(`${prefix}images:`);
const patience = 8000;
const starts = ["/", "/library", "/downloads"];

/** Who reads, as the last answer said; everything of others goes. */
async function readBy(response) {
  const reader = response.headers.get("Portal-Reader");
  if (!reader || reader === pages.reader) return;
  await Promise.all([pages.only(reader), images.only(reader)]);
}

async function forget() {
  await Promise.all([pages.only("-"), images.only("-")]);
}

/** After an answer from the portal itself: what it means for what is held. */
async function note(request, response, turn) {
  await readBy(response);
  if (response.ok && response.headers.get("Portal-Keep")) await pages.keep(request, response, turn);
}

const later = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** A page: from the portal, or as it was read last when there is no answer or a proxy says that nobody answers. */
async function page(event) {
  const { request } = event;
  const { turn } = pages;
  const underWay = fetch(request);
  let response;
  try {
    response = await Promise.race([underWay, later(patience)]);
    if (!response) {
      const held = await pages.find(request);
      if (held) {
        underWay.catch(() => {});
        return held;
      }
      response = await underWay;
    }
  } catch {
    return (await pages.find(request)) ?? shell.offline();
  }
  if ([502, 503, 504].includes(response.status)) return (await pages.find(request)) ?? response;
  if (response.type === "basic") event.waitUntil(note(request, response.clone(), turn));
  return response;
}

/** A part of a page, e.g. a card of home. */
async function fragment(event) {
  const { request } = event;
  const { turn } = pages;
  try {
    const response = await fetch(request);
    event.waitUntil(note(request, response.clone(), turn));
    return response;
  } catch (error) {
    const held = await pages.find(request);
    if (held) return held;
    throw error;
  }
}

/** A form that could not be sent leads to a page of its own: loading that anew must not send it again. */
async function send(request) {
  try {
    return await fetch(request);
  } catch {
    return Response.redirect(`${root}/offline`, 303);
  }
}

const asked = new Set();

/** The page that is open when it was loaded past us, and those where people begin: read once, to be there when the portal is not. */
async function warm({ address, language }) {
  await shell.speak(language);
  const wanted = starts.map((start) => root + start);
  if (address) wanted.unshift(address);
  for (const path of wanted) {
    const request = new Request(path, { headers: { Accept: "text/html" } });
    const once = `${pages.reader} ${path}`;
    if (asked.has(once) || (await pages.holds(request))) continue;
    asked.add(once);
    const { turn } = pages;
    const response = await fetch(request);
    await note(request, response, turn);
    if (response.headers.get("Portal-Reader") === "-") return;
  }
}

addEventListener("install", (event) => {
  event.waitUntil(shell.fill().then(() => self.skipWaiting()));
});

addEventListener("activate", (event) => {
  // Pages of another build ask for files that are gone.
  event.waitUntil(Promise.all([shell.tidy(), pages.tidy()]).then(() => self.clients.claim()));
});

addEventListener("message", (event) => {
  if (event.data?.type !== "page") return;
  // A page that was on its way while we began has nobody to answer for it until it is claimed.
  event.waitUntil(Promise.allSettled([self.clients.claim(), warm(event.data)]));
});

addEventListener("push", (event) => event.waitUntil(show(event, icon)));
addEventListener("notificationclick", (event) => event.waitUntil(open(event, root)));

addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (address.origin !== location.origin || !address.pathname.startsWith(`${root}/`)) return;
  const path = address.pathname.slice(root.length);
  if (request.method !== "GET" && path.endsWith("/sign-out")) event.waitUntil(forget());
  if (request.mode === "navigate") event.respondWith(request.method === "GET" ? page(event) : send(request));
  else if (request.method !== "GET") return;
  else if (path.startsWith("/static/")) event.respondWith(shell.file(request));
  else if (path.startsWith("/img/")) event.respondWith(images.answer(event, pages));
  else if (request.headers.get("HX-Request") && path.startsWith("/fragments/")) event.respondWith(fragment(event));
});
