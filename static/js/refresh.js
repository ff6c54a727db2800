// The board of the BI, which asks for its rows each minute: not in a hidden tab, nor under a finger that presses.
const file = document.getElementById("file");
const news = document.getElementById("nouvelles");
let numbers, isCut, held, top;

addEventListener("htmx:beforeRequest", (event) => {
  if (event.target === file && (document.hidden || file.querySelector(":active"))) event.preventDefault();
});
addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target !== file) return;
  numbers = new Set(Array.from(file.querySelectorAll("tr[id]"), (row) => row.id));
  isCut = document.getElementById("p-next") !== null;
  // What is held stays where it is on the screen, whatever comes above it.
  held = file.contains(document.activeElement) ? document.activeElement : file.querySelector("tr:hover");
  top = held?.getBoundingClientRect().top;
});
addEventListener("htmx:afterSettle", ({ target }) => {
  if (target !== file) return;
  const rows = Array.from(file.querySelectorAll("tr[id]"));
  // Below the last row known of a page cut short, a row was there already: it only slides in.
  const last = isCut ? rows.findLastIndex((row) => numbers.has(row.id)) : rows.length;
  const fresh = rows.filter((row, index) => index < last && !numbers.has(row.id));
  for (const row of fresh) row.classList.add("fresh");
  news.textContent = fresh[1] ? `${fresh.length} ${news.dataset.many}` : fresh[0] ? news.dataset.one : "";
  const still = held && document.getElementById(held.id);
  if (still) scrollBy(0, still.getBoundingClientRect().top - top);
  else if (held?.matches("a")) file.focus({ preventScroll: true });
});
document.addEventListener("visibilitychange", () => document.hidden || file?.dispatchEvent(new Event("refresh")));
