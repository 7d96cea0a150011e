// Entry of the portal's script. Everything here enhances pages that work without it.
import "./htmx.js";
import "./alpine.js";
import { watchCopy } from "./copy.js";
import { watchForms } from "./forms.js";
import { watchImages } from "./images.js";
import { watchDialogs } from "./dialogs.js";
import { watchLists } from "./lists.js";
import { watchOffline } from "./offline.js";
import { watchOptimistic } from "./optimistic.js";
import { watchPalette } from "./palette.js";
import { watchPolls } from "./poll.js";
import { watchTheme } from "./theme.js";
import { watchTimes } from "./times.js";
import { watchToasts } from "./toasts.js";
import { watchTriage } from "./triage.js";

const page = document.documentElement;
page.classList.add("js");
page.classList.toggle("secure", window.isSecureContext);
addEventListener("scroll", () => page.classList.toggle("scrolled", scrollY > 4), { passive: true });

watchTheme();
watchToasts();
watchOffline();
watchDialogs();
watchPalette();
watchForms();
watchLists();
watchOptimistic();
watchCopy();
watchImages();
watchPolls();
watchTimes();
watchTriage();
// Asked for once in a device's life: only where its button is.
if (document.querySelector("[data-push]")) import("./push.js").then(({ watchPush }) => watchPush());
if (document.querySelector("[data-plays]")) import("./plays.js").then(({ watchPlays }) => watchPlays());
if (document.querySelector("[data-ranking]")) import("./ranking.js").then(({ watchRanking }) => watchRanking());
const { live, keptAt } = document.body.dataset;
if (live === "on" && !keptAt) import("./socket.js").then(({ startLive }) => startLive());
