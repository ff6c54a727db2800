// What every page of a signed-in person does, in one file: one request less at the first look.

// The session. Two minutes before the end of the session, a dialog; however it is closed, Escape included, the session goes on.
// The end is kept in localStorage: a page opened in one tab moves it for all. It is looked at every second, because
// a computer that slept must not believe its timers.
const WARNING = 120_000;
const dialog = document.getElementById("session");
const lastWords = dialog.querySelector("[hidden]");
const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
let ownEnd = 0;
let isAsking = false;
let isTold = false;

function ends(seconds) {
  ownEnd = Date.now() + seconds * 1000;
  localStorage.setItem("session", ownEnd);
}

function leave() {
  const here = encodeURIComponent(location.pathname + location.search);
  location.assign(`${dialog.dataset.login}?fin=1&next=${here}`);
}

async function stay() {
  isAsking = true;
  try {
    const answer = await fetch(dialog.dataset.stay, { method: "POST", headers: { "X-CSRFToken": token } });
    if (answer.status !== 204) return leave();
    const seconds = answer.headers.get("X-Session-Left");
    ends(seconds);
    lastWords.hidden = seconds * 1000 > WARNING;
  } catch {
    // No network: the dialog comes back at the next look.
  } finally {
    isAsking = false;
  }
}

function look() {
  const left = Number(localStorage.getItem("session") ?? ownEnd) - Date.now();
  if (left <= 0) leave();
  else if (left > WARNING) dialog.close();
  else if (!dialog.open && !isAsking && !isTold) dialog.showModal();
}

dialog.addEventListener("close", () => {
  if (lastWords.hidden) stay();
  else isTold = true;
});
ends(dialog.dataset.left);
setInterval(look, 1000);
// A list that is filtered says how long the session now lasts.
addEventListener("htmx:afterRequest", ({ detail }) => {
  const left = detail.xhr.getResponseHeader("X-Session-Left");
  if (left) ends(left);
});

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

// The list of the home page. A filter that gets no answer says so beside the list, and leaves the list as it was.
function tell() {
  for (const place of document.querySelectorAll("[data-lost]")) place.textContent = place.dataset.lost;
}

// An error page of ours takes the place of the page; one of a proxy has nothing to show here.
addEventListener("htmx:beforeSwap", (event) => {
  const { isError, requestConfig, serverResponse } = event.detail;
  // What a page asks by itself (the board, an estimate) never takes it away from who reads or types.
  if (!isError || (requestConfig.elt !== file && requestConfig.elt.id !== "estimation" && serverResponse.includes('id="contenu"'))) return;
  event.detail.shouldSwap = false;
  tell();
});
addEventListener("htmx:sendError", tell);

// A day or a preset is chosen with what is ticked and typed at the click, sent already or not.
addEventListener("htmx:configRequest", ({ detail }) => {
  if (!detail.elt.closest("#periode")) return;
  const url = new URL(detail.path, location.origin);
  for (const name of ["statut", "cherche"]) {
    url.searchParams.delete(name);
    for (const value of new FormData(document.getElementById("filtres")).getAll(name)) url.searchParams.append(name, value);
  }
  detail.path = url.pathname + url.search;
});
