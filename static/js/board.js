// The board's single keys, for who switched them on in their profile (WCAG 2.1.4). Never while typing, never with a modifier.
const keys = document.getElementById("raccourcis");
const links = () => Array.from(document.querySelectorAll("#file tbody th a"));
const row = () => document.activeElement.closest("#file tr");

function move(step) {
  const all = links();
  const here = all.indexOf(row()?.querySelector("th a"));
  const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : here + step;
  all[Math.min(Math.max(next, 0), all.length - 1)]?.focus();
}

const press = (selector) => row()?.querySelector(selector)?.click();
const DOES = {
  j: () => move(1),
  n: () => move(1),
  k: () => move(-1),
  p: () => move(-1),
  o: () => press("th a"),
  f: () => press("[data-key=f]"),
  a: () => press("[data-key=a]"),
  "?": () => keys.showModal(),
};

document.addEventListener("keydown", (event) => {
  const isTaken = event.ctrlKey || event.altKey || event.metaKey || event.isComposing;
  const isTyping = event.target.closest("input, select, textarea, [contenteditable]");
  if (isTaken || isTyping || document.querySelector("dialog[open]") || !Object.hasOwn(DOES, event.key)) return;
  event.preventDefault();
  DOES[event.key]();
});
document.getElementById("touches").addEventListener("click", () => keys.showModal());

// « Précédent » after a row was opened comes back to that row: the page is never kept, its focus is.
addEventListener("pagehide", () => sessionStorage.setItem("row", row() ? document.activeElement.id : ""));
const [arrival] = performance.getEntriesByType("navigation");
if (arrival?.type === "back_forward") document.getElementById(sessionStorage.getItem("row"))?.focus();
