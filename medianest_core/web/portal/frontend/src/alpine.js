// Alpine's CSP build: logic lives here, attributes only name it.
import Alpine from "@alpinejs/csp";

/** A button that opens a panel: Escape, a click outside and leaving by Tab close it. */
Alpine.data("menu", () => ({
  open: false,
  toggle() {
    this.open = !this.open;
    if (this.open) this.$nextTick(() => this.$refs.panel.querySelector("a,button,input")?.focus({ preventScroll: true }));
  },
  close() {
    this.open = false;
  },
  escape() {
    if (!this.open) return;
    this.open = false;
    this.$refs.button.focus();
  },
  leave(event) {
    if (this.open && event.relatedTarget && !this.$root.contains(event.relatedTarget)) this.open = false;
  },
}));

/** A secret or password that can be looked at while it is typed. */
Alpine.data("reveal", () => ({
  shown: false,
  toggle() {
    this.shown = !this.shown;
    this.$refs.input.type = this.shown ? "text" : "password";
  },
}));

/** A stored secret: replace or remove it. */
Alpine.data("secret", () => ({
  replacing: false,
  removing: false,
  replace() {
    this.replacing = true;
    this.$nextTick(() => this.$refs.input.focus());
  },
  remove() {
    this.removing = !this.removing;
  },
  keep() {
    this.replacing = false;
    this.$refs.input.value = "";
  },
}));

/** A field of several values. The template holds one empty input. */
Alpine.data("rows", () => ({
  add() {
    this.$refs.list.append(this.$refs.blank.content.cloneNode(true));
    this.$refs.list.lastElementChild.querySelector("input").focus();
  },
  drop() {
    const list = this.$refs.list;
    this.$el.closest("[data-item]").remove();
    list.dispatchEvent(new Event("input", { bubbles: true }));
  },
}));

/** A list of entries with several fields each. The template holds an empty one under a placeholder for its id. */
Alpine.data("entries", () => ({
  add() {
    const blank = this.$refs.blank;
    const words = crypto.getRandomValues(new Uint32Array(2));
    const id = Array.from(words, (word) => word.toString(16).padStart(8, "0")).join("");
    this.$refs.list.insertAdjacentHTML("beforeend", blank.innerHTML.replaceAll(blank.dataset.id, id));
    this.$refs.list.lastElementChild.querySelector("input:not([type=hidden]),select,textarea")?.focus();
    this.changed();
  },
  drop() {
    const entry = this.$el.closest("[data-entry]");
    const next = entry.nextElementSibling ?? entry.previousElementSibling ?? this.$root;
    // Before it goes: once it is gone, nothing leads from it to the list any more.
    this.changed();
    entry.remove();
    [...next.querySelectorAll("button")].find((one) => getComputedStyle(one).visibility === "visible")?.focus();
  },
  up() {
    const entry = this.$el.closest("[data-entry]");
    entry.previousElementSibling?.before(entry);
    this.moved(entry, "[data-up]", "[data-down]");
  },
  down() {
    const entry = this.$el.closest("[data-entry]");
    entry.nextElementSibling?.after(entry);
    this.moved(entry, "[data-down]", "[data-up]");
  },
  /** The same button keeps the focus, or its opposite where the entry can go no further. */
  moved(entry, ...buttons) {
    const found = buttons.map((one) => entry.querySelector(one));
    found.find((one) => getComputedStyle(one).visibility === "visible")?.focus();
    this.changed();
  },
  changed() {
    this.$refs.list.dispatchEvent(new Event("input", { bubbles: true }));
  },
}));

/** Checkboxes with one for all of them. */
Alpine.data("picks", () => ({
  chosen: 0,
  total: 0,
  init() {
    this.count();
  },
  boxes() {
    return [...this.$root.querySelectorAll("input[data-pick]:not(:disabled)")];
  },
  count() {
    const boxes = this.boxes();
    this.total = boxes.length;
    this.chosen = boxes.filter((box) => box.checked).length;
    if (this.$refs.all) {
      this.$refs.all.checked = this.chosen === this.total;
      this.$refs.all.indeterminate = this.chosen > 0 && this.chosen < this.total;
    }
  },
  all() {
    for (const box of this.boxes()) box.checked = this.$refs.all.checked;
    this.count();
  },
  none() {
    return this.chosen === 0;
  },
}));

/** A banner that stays away for the session once dismissed. */
Alpine.data("banner", () => ({
  away: false,
  init() {
    this.away = sessionStorage.getItem(`banner:${this.$root.dataset.banner}`) === "away";
  },
  dismiss() {
    this.away = true;
    sessionStorage.setItem(`banner:${this.$root.dataset.banner}`, "away");
  },
}));

/** Opens a provider's page in a small window; the page polls by itself, the window is closed on leaving. */
Alpine.data("popup", () => ({
  open() {
    const size = "popup,width=600,height=720";
    const opened = window.open(this.$root.dataset.link, "medianest-sign-in", size);
    if (!opened) location.assign(this.$root.dataset.link);
    addEventListener("pagehide", () => opened?.close(), { once: true });
  },
}));

/** The shelf's buttons for those without a touch screen. */
Alpine.data("shelf", () => ({
  back() {
    this.move(-1);
  },
  on() {
    this.move(1);
  },
  move(direction) {
    const track = this.$refs.track;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    track.scrollBy({ left: direction * track.clientWidth * 0.85, behavior: calm ? "auto" : "smooth" });
  },
}));

window.Alpine = Alpine;
Alpine.start();
