// An order moved by dragging a row, or with Alt and an arrow key on its buttons ([data-ranking]). Both lead to the same addresses as
// the buttons, so nothing is lost without this file.
import htmx from "htmx.org";

const list = () => document.querySelector("[data-ranking]");
const rowOf = (target) => (target instanceof Element ? target.closest("[data-ranking] > [data-source]") : null);
let dragged = null;

function show(order) {
  const path = list().dataset.ranking + encodeURIComponent(order);
  htmx.ajax("GET", path, { target: "#ranking", select: "#ranking", swap: "morph" });
  history.replaceState(history.state, "", path);
}

/** The present order as ranks of ids, without one of them. */
function ranksWithout(id) {
  const ranks = [];
  for (const row of list().querySelectorAll(":scope > [data-source]")) {
    const { source, rank } = row.dataset;
    if (ranks.at(-1)?.rank !== rank) ranks.push({ rank, ids: [] });
    if (source !== id) ranks.at(-1).ids.push(source);
  }
  return ranks;
}

function drop(row, after) {
  const ranks = ranksWithout(dragged);
  const at = ranks.findIndex((one) => one.rank === row.dataset.rank);
  ranks.splice(at + (after ? 1 : 0), 0, { ids: [dragged] });
  show(
    ranks
      .filter((one) => one.ids.length)
      .map((one) => one.ids.join("~"))
      .join(","),
  );
}

const lower = (event, row) => {
  const box = row.getBoundingClientRect();
  return event.clientY > box.top + box.height / 2;
};

export function watchRanking() {
  // only the grip takes a row along, so that its text can still be selected
  document.addEventListener("pointerdown", (event) => {
    const row = rowOf(event.target);
    if (row) row.draggable = Boolean(event.target.closest(".ranking-grip"));
  });
  document.addEventListener("dragstart", (event) => {
    const row = rowOf(event.target);
    if (!row) return;
    dragged = row.dataset.source;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", row.querySelector(".row-title").textContent);
    row.classList.add("dragged");
  });
  document.addEventListener("dragover", (event) => {
    if (dragged && rowOf(event.target)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const row = rowOf(event.target);
    if (!dragged || !row) return;
    event.preventDefault();
    if (row.dataset.source !== dragged) drop(row, lower(event, row));
  });
  document.addEventListener("dragend", () => {
    document.querySelector("[data-ranking] .dragged")?.classList.remove("dragged");
    dragged = null;
  });
  document.addEventListener("keydown", (event) => {
    const step = { ArrowUp: "up", ArrowDown: "down" }[event.key];
    const row = rowOf(event.target);
    if (!event.altKey || !step || !row) return;
    event.preventDefault();
    document.getElementById(`${step}-${row.dataset.source}`)?.click();
  });
}
