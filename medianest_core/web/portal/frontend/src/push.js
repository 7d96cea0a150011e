// "Notify on this device": the browser subscribes with the portal's key, and the form carries what came of it. Needs a secure
// context; elsewhere the button is not shown.
import { on } from "./page.js";
import { toast } from "./toasts.js";

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));

/** A name that its owner knows the device by. */
function device() {
  const told = navigator.userAgent;
  const browser = /Edg\//.test(told) ? "Edge" : /Firefox\//.test(told) ? "Firefox" : /Chrome\//.test(told) ? "Chrome" : "Safari";
  const system = /Android/.test(told) ? "Android" : /iPhone|iPad/.test(told) ? "iOS" : /Windows/.test(told) ? "Windows" : /Mac OS/.test(told) ? "macOS" : "Linux";
  return `${browser}, ${system}`;
}

async function subscribe(key) {
  const { pushManager } = await navigator.serviceWorker.ready;
  const held = await pushManager.getSubscription();
  if (held) {
    const same = held.options.applicationServerKey;
    if (same && bytes(key).every((one, place) => new Uint8Array(same)[place] === one)) return held;
    await held.unsubscribe();
  }
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
}

export function watchPush() {
  on("submit", "form[data-push]", async (event, form) => {
    event.preventDefault();
    const { push, pushDenied, pushMissing, pushFailed } = form.dataset;
    if (!window.PushManager || !window.Notification || !navigator.serviceWorker) return toast(pushMissing, "error");
    if ((await Notification.requestPermission()) !== "granted") return toast(pushDenied, "error");
    try {
      form.elements.target.value = JSON.stringify(await subscribe(push));
    } catch {
      return toast(pushFailed, "error");
    }
    form.elements.label.value = device();
    form.submit();
  });
}
