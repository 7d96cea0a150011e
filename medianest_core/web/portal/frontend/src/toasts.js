// Short messages in a polite live region. Servers send them as the HX-Trigger event `toast` {text, tone}.
const lasting = 6000;

export function toast(text, tone = "neutral") {
  const region = document.getElementById("toasts");
  const blank = document.getElementById(`toast-${tone}`) ?? document.getElementById("toast-neutral");
  if (!region || !blank || !text) return;
  if ([...region.children].some((item) => item.dataset.text === text)) return;
  const item = blank.content.firstElementChild.cloneNode(true);
  item.dataset.text = text;
  item.querySelector("p").textContent = text;
  region.append(item);
  while (region.children.length > 3) region.firstElementChild.remove();
  const leave = () => item.remove();
  item.querySelector("button").addEventListener("click", leave);
  // errors stay until they are dismissed: there may be something to read out or to do
  if (tone === "error") return;
  let timer = setTimeout(leave, lasting);
  item.addEventListener("pointerenter", () => clearTimeout(timer));
  item.addEventListener("pointerleave", () => (timer = setTimeout(leave, lasting)));
}

export function watchToasts() {
  document.addEventListener("toast", ({ detail }) => toast(detail.text ?? detail.value, detail.tone));
}
