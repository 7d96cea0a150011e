// What the server said about this page: data attributes of <body> (root path, words, whether to open the socket).
export const root = () => document.body.dataset.root ?? "";

/** A translated sentence from <body data-word-NAME>, with %(name)s filled in. */
export function word(name, values = {}) {
  const text = document.body.dataset[`word${name[0].toUpperCase()}${name.slice(1)}`] ?? name;
  return text.replace(/%\((\w+)\)s/g, (_, key) => values[key] ?? "");
}

/** An event listener for elements that may come and go. */
export function on(type, selector, handle, options) {
  document.addEventListener(
    type,
    (event) => {
      const found = event.target instanceof Element ? event.target.closest(selector) : null;
      if (found) handle(event, found);
    },
    options,
  );
}

/** Runs now and for every fragment that htmx brings. */
export function eachFragment(handle) {
  handle(document.body);
  document.addEventListener("htmx:load", (event) => handle(event.detail.elt));
}

/** Those of `selector` in or at `element`. */
export function within(element, selector) {
  const found = [...element.querySelectorAll(selector)];
  if (element.matches(selector)) found.unshift(element);
  return found;
}
