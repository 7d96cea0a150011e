// Entry of the portal's script. Everything here enhances pages that work without it.
import "./htmx.js";
import "./alpine.js";
import { watchCopy } from "./copy.js";
import { watchForms } from "./forms.js";
import { watchImages } from "./images.js";
import { watchDialogs } from "./dialogs.js";
import { watchOptimistic } from "./optimistic.js";
import { watchPalette } from "./palette.js";
import { watchPolls } from "./poll.js";
import { watchTheme } from "./theme.js";
import { watchTimes } from "./times.js";
import { watchToasts } from "./toasts.js";

const page = document.documentElement;
page.classList.add("js");
page.classList.toggle("secure", window.isSecureContext);
addEventListener("scroll", () => page.classList.toggle("scrolled", scrollY > 4), { passive: true });

watchTheme();
watchToasts();
watchDialogs();
watchPalette();
watchForms();
watchOptimistic();
watchCopy();
watchImages();
watchPolls();
watchTimes();
if (document.body.dataset.live === "on") import("./socket.js").then(({ startLive }) => startLive());
