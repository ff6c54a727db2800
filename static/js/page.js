// What every page of a signed-in person does, in one file: one request less at the first look.

// The worker of the application; the admin has none.
const app = document.querySelector("[rel=manifest]");
if (app) addEventListener("load", () => navigator.serviceWorker?.register("/sw.js").catch(() => {}));

// Two minutes before the end of the session, a dialog; however it is closed, the session goes on.
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
addEventListener("htmx:afterRequest", ({ detail }) => {
  const left = detail.xhr.getResponseHeader("X-Session-Left");
  if (left) ends(left);
});

// The list of the home page. A filter that gets no answer says so beside the list, and leaves the list as it was.
function tell() {
  for (const place of document.querySelectorAll("[data-lost]")) place.textContent = place.dataset.lost;
}

// An error page of ours takes the place of the page; one of a proxy has nothing to show here.
addEventListener("htmx:beforeSwap", (event) => {
  const { isError, requestConfig, serverResponse } = event.detail;
  // What a page asks by itself (the board, an estimate) never takes it away from who reads or types.
  if (!isError || (!["file", "estimation"].includes(requestConfig.elt.id) && serverResponse.includes('id="contenu"'))) return;
  event.detail.shouldSwap = false;
  tell();
});
addEventListener("htmx:sendError", tell);

// The board's own part has a minute before it serves.
const { dataset: board } = document.getElementById("file") ?? {};
if (board) setTimeout(() => import(board.refresh).then(() => delete board.refresh, tell), 1000);

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

// What stays on this device is one person's. Without its worker no page opens offline, and nothing is kept of a request.
const { who, device, sending } = dialog.dataset;
const held = document.querySelector("[data-held]");
const leaving = document.getElementById("partir");
const isHeld = held && navigator.serviceWorker?.controller;
if ((localStorage.owner ??= who) !== who || isHeld) import(device).then(({ hold }) => isHeld && hold(held.dataset.held), tell);
if (localStorage.drafts) {
  for (const line of document.querySelectorAll("[data-drafts]")) line.hidden = false;
  if (!document.querySelector("form[data-keep], [name=reprendre]")) import(sending).catch(tell);
}

function leaveNothing(form) {
  localStorage.clear();
  sessionStorage.clear();
  const go = () => form.submit();
  const asked = indexedDB?.deleteDatabase("ims");
  if (asked) asked.onsuccess = asked.onerror = asked.onblocked = go;
  else go();
}
addEventListener("submit", (event) => {
  const { target: form } = event;
  if (form.className !== "account") return;
  event.preventDefault();
  leaving.onclose = () => leaving.returnValue && leaveNothing(form);
  if (localStorage.drafts) leaving.showModal();
  else leaveNothing(form);
});
