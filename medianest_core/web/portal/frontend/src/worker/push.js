// Push messages: shown as notifications of the device; touching one opens the page it is about. What is told: {title, body, path,
// tag, lang, urgent}. A message that came twice has the same tag, and the second takes the place of the first.

/** The newest of what was sent; a push without words still has to be shown. */
export function show(event, icon) {
  let told = {};
  try {
    told = event.data?.json() ?? {};
  } catch {
    // not ours, or damaged on the way
  }
  const options = {
    body: told.body || "",
    lang: told.lang || "",
    icon,
    badge: icon,
    tag: told.tag || undefined,
    requireInteraction: Boolean(told.urgent),
    data: { path: told.path || "/notifications" },
  };
  return self.registration.showNotification(told.title || "MediaNest", options);
}

export async function open(event, root) {
  event.notification.close();
  const { path } = event.notification.data ?? {};
  const target = new URL(root + (path ?? "/notifications"), self.location.origin);
  if (target.origin !== self.location.origin) return;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((one) => new URL(one.url).pathname === target.pathname);
  if (there) await there.focus();
  else if (windows.length && "navigate" in windows[0]) await windows[0].navigate(target.href).then((one) => one?.focus());
  else await self.clients.openWindow(target.href);
}
