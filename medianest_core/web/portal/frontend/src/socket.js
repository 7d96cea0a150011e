// Live updates over Socket.IO. Each message is {seq, at, data}; seq grows, the last one seen is kept, and a reconnecting page
// asks for what it missed: emit `replay` {since} → missed events again, or `resync`, which loads marked fragments anew.
import { io } from "socket.io-client";
import { setLive } from "./indicator.js";
import { root } from "./page.js";
import { patchProgress } from "./progress.js";
import { toast } from "./toasts.js";
import { progressOf, subjects } from "./wire.js";

let seen = 0;
let newest = 0;
let behind = false;
let base = 0;
const known = new Set();
let socket = null;

const topicsOf = (element) => element?.dataset.liveTopic?.split(" ") ?? [];

/** Tell the elements that asked for `name` (or `name/id`) by data-live-topic; those with hx-trigger="live" load again. */
function announce(name, about) {
  for (const element of document.querySelectorAll("[data-live-topic]")) {
    const topics = topicsOf(element);
    // a row of a list that hears of this itself
    const own = element.dataset.liveOwn;
    if (own && about.some((id) => topicsOf(document.getElementById(own + id)).includes(`${name}/${id}`))) continue;
    if (topics.includes(name) || about.some((id) => topics.includes(`${name}/${id}`))) refresh(element, name);
  }
}

const due = new Map();

function refresh(element, name) {
  // several events close together load a fragment once
  if (due.has(element)) return;
  due.set(
    element,
    setTimeout(() => {
      due.delete(element);
      if (!element.isConnected) return;
      // a form that somebody is filling in is not taken from them
      if (element.hasAttribute("data-patient") && element.querySelector("form[data-touched]")) return;
      element.dispatchEvent(new CustomEvent("live", { bubbles: false, detail: { name } }));
    }, 150),
  );
}

function resync() {
  for (const element of document.querySelectorAll("[data-live-topic]")) refresh(element, "resync");
}

function receive(name, message) {
  const { seq = null, data = message } = message ?? {};
  if (seq !== null) {
    // two transactions that end together may be told in either order: what is known is dropped, not what is late
    if (seq <= base || known.has(seq)) return;
    known.add(seq);
    if (known.size > 500) known.delete(known.values().next().value);
    newest = Math.max(newest, seq);
    if (!behind) seen = newest;
  }
  document.dispatchEvent(new CustomEvent("mn:live", { detail: { name, data } }));
  const rows = progressOf(name, data);
  if (rows) patchProgress(rows);
  if (name === "user:notification") {
    if (data.title) toast(data.title, data.tone ?? "info");
    for (const dot of document.querySelectorAll("[data-unread]")) {
      const count = data.unread ?? Number(dot.dataset.unread || 0) + 1;
      dot.dataset.unread = String(count);
      dot.textContent = count ? String(Math.min(count, 99)) : "";
    }
  }
  announce(name, subjects(data));
}

function connect() {
  socket = io({
    path: `${root()}/live/socket.io`,
    withCredentials: true,
    // a websocket stays with the process that took it; requests of polling may reach another one each time
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    reconnectionDelay: 500,
    reconnectionDelayMax: 10000,
    randomizationFactor: 0.5,
  });
  // where the page stands: the newest event when the server made it, or when the socket first opened
  const made = document.body.dataset.seq;
  seen = base = Number(made ?? 0);
  let again = made !== undefined;
  socket.on("connect", () => {
    setLive("live");
    // the rooms first: nothing that happens while the missed events are looked up may fall between the two
    socket.emit("subscribe:status");
    socket.emit("subscribe:downloads");
    if (again) {
      // until all is there, a connection that breaks asks from the same place once more
      behind = true;
      socket.emit("replay", { since: seen }, () => {
        behind = false;
        seen = Math.max(seen, newest);
      });
    }
    again = true;
  });
  let greeted = made !== undefined;
  socket.on("hello", (message) => {
    // a page that knows where it stands asks for what it missed, and would drop it were it to jump ahead
    if (!greeted) seen = base = message?.seq ?? 0;
    greeted = true;
  });
  socket.on("resync", (message) => {
    // also backwards, after a backup was restored
    seen = base = newest = message?.seq ?? message?.data?.seq ?? seen;
    known.clear();
    resync();
  });
  // the answer to this page's own signing out leads on by itself, however late: loading again would overtake it
  let signingOut = false;
  addEventListener("submit", (event) => {
    if (event.target.action.endsWith("/sign-out")) signingOut = true;
  });
  socket.on("session:ended", () => signingOut || location.reload());
  socket.on("disconnect", (why) => {
    // the server ended it: the session may be over, which a page load will tell
    setLive(why === "io server disconnect" ? "stale" : "connecting");
  });
  socket.on("connect_error", () => setLive(socket.active ? "connecting" : "stale"));
  socket.onAny((name, message) => {
    if (name !== "hello" && name !== "resync" && name !== "session:ended") receive(name, message);
  });
}

export function startLive() {
  connect();
  // an open socket would keep this page out of the browser's back-forward cache
  addEventListener("pagehide", () => socket.disconnect());
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    setLive("connecting");
    socket.connect();
  });
}
