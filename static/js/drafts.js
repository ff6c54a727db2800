// The « Détails de l'achèvement » are kept on this device as they are typed, until the server has them.
const { dataset } = document.querySelector("[data-device]");
const { draftOf, put, remove } = await import(dataset.device);
const MOST_BYTES = 40 * 1024 * 1024;
const LONGEST_WAIT = 300_000;
const form = document.getElementById("rapport");
const number = Number(location.pathname.split("/")[2]);
const queued = document.getElementById("garde");
let timer, again, isKept, isQueued, wait = 5000;

function save() {
  clearTimeout(timer);
  timer = 0;
  const typed = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
  const files = typed.filter(([, value]) => value.size);
  const fields = Object.fromEntries(typed.filter(([, value]) => typeof value === "string"));
  // The name that the page proposes for a signature is somebody's: it stays on the server.
  for (const { name, value, defaultValue } of form.querySelectorAll(".signature input")) if (value === defaultValue && name.endsWith("name")) delete fields[name];
  const isLight = files.reduce((sum, [, { size }]) => sum + size, 0) <= MOST_BYTES;
  const { key, version } = fields;
  isKept = put("drafts", { number, fields, files: isLight ? files : [], key, version, isQueued }).then((done) => done && isLight);
}

function touch() {
  // What may have left keeps its key: what is typed after is another report.
  if (isQueued) form.elements.key.value = crypto.randomUUID();
  isQueued = false;
  queued.hidden = true;
  clearTimeout(timer);
  timer = setTimeout(save, 300);
}

const send = () => isQueued && form.requestSubmit(document.querySelector(".tally button"));

form.addEventListener("submit", ({ submitter }) => {
  if (submitter?.name) return;
  isQueued = true;
  save();
});
form.addEventListener("unsent", ({ detail }) => {
  detail.isKept = isKept.then((done) => {
    queued.hidden = !done;
    isQueued = done;
    clearTimeout(again);
    again = setTimeout(send, wait);
    wait = Math.min(2 * wait, LONGEST_WAIT);
    return done;
  });
});
form.addEventListener("input", touch);
form.addEventListener("pointerup", ({ target }) => target.matches("canvas") && touch());
document.addEventListener("visibilitychange", () => timer && save());
addEventListener("pagehide", () => timer && save());
addEventListener("online", send);
const list = form.querySelector("[data-upload] .files");
if (list) new MutationObserver(() => timer || save()).observe(list, { childList: true });
form.addEventListener("input", () => navigator.storage?.persist?.(), { once: true });

const draft = await draftOf(number);
// What the server gives back, refused or taken up again, is newer than what is kept.
if ("typed" in form.dataset) save();
else if (draft?.key === form.dataset.filed) await remove("drafts", number);
else if (draft) (await import(dataset.resume)).resume(draft, form);
