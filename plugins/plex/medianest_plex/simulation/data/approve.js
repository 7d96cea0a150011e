// The real page takes its values from the fragment, which no server sees: move them into the query.
const fragment = location.hash.replace(/^#!?\??/, "");
if (document.currentScript.dataset.close) {
  window.close();
} else if (fragment && !location.search) {
  location.replace(location.pathname + "?" + fragment);
}
