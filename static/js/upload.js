// Sends each file once chosen, one by one; without this script the form sends them all.
// Until the server has it, it stays in the form's field: drafts.js keeps it, saving sends it again.
const part = (whole, name) => whole.querySelector(`[data-${name}]`);
const block = document.querySelector("[data-upload]");
const input = block.querySelector("input[type=file]");
const { form } = input;
const list = block.querySelector("ul");
const [choose, take] = [part(block, "choose"), part(block, "take")];
const lost = new Set();
let last = Promise.resolve();
let sending = 0;
let isWaiting = false;
const refused = new Set();

const say = (text) => (block.querySelector("[role=status]").textContent = text);

const post = (address, fields, watch) =>
  new Promise((answer) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    for (const name in fields) body.set(name, fields[name]);
    watch?.(request);
    request.open("POST", address);
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.onloadend = () => answer([request.status, request.responseText]);
    request.send(body);
  });

function show({ item }, text, percent) {
  part(item, "state").textContent = text;
  const bar = item.querySelector("progress");
  bar.hidden = percent === undefined;
  bar.value = percent ?? 0;
}

function keep(entry, isLost) {
  lost[isLost ? "add" : "delete"](entry);
  const files = new DataTransfer();
  for (const { file } of lost) files.items.add(file);
  input.files = files.files;
}

function add(file) {
  const item = block.querySelector("template").content.firstElementChild.cloneNode(true);
  const entry = { file, item };
  for (const place of item.querySelectorAll("[data-name]")) place.append(` ${file.name}`);
  part(item, "again").onclick = () => queue(entry);
  part(item, "drop").onclick = () => {
    keep(entry, false);
    refused.delete(entry);
    item.remove();
    entry.request?.abort();
    choose.focus();
  };
  list.append(item);
  queue(entry);
}

function queue(entry) {
  keep(entry, true);
  refused.delete(entry);
  part(entry.item, "again").hidden = true;
  part(entry.item, "state").className = "quiet";
  show(entry, "En attente", 0);
  sending++;
  last = last.then(() => send(entry)).finally(() => sending--);
}

async function send(entry) {
  const { item } = entry;
  entry.light ??= import(block.dataset.photo).then(({ shrink }) => shrink(entry.file));
  const file = (entry.file = await entry.light.catch(() => entry.file));
  if (!item.isConnected) return;
  if (file.size > input.dataset.most) return stop(entry, input.dataset.tooHeavy);
  const fields = { file, kind: block.dataset.kind || form.elements.kind.value };
  const [status, text] = await post(block.dataset.upload, fields, (request) => {
    entry.request = request;
    request.upload.onprogress = ({ loaded, total }) => {
      const percent = Math.floor((100 * loaded) / total);
      show(entry, percent < 100 ? `Envoi… ${percent}\u00a0%` : "Vérification…", percent);
    };
  });
  if (!item.isConnected) return;
  if (status === 201) return done(entry, text);
  if (status === 422 || status === 409) return stop(entry, text, status === 409);
  if (status && status < 500) return stop(entry, "Rouvrez cette page, puis recommencez.");
  stop(entry, "L’envoi n’a pas abouti. Réessayez.", true, true);
}

function done(entry, html) {
  const { file, item } = entry;
  keep(entry, false);
  const kept = document.createRange().createContextualFragment(html).firstElementChild;
  document.getElementById(kept.id)?.remove();
  const button = part(kept, "remove");
  kept.querySelector(".quiet").append(". Ajoutée");
  button.hidden = false;
  const isHere = item.contains(document.activeElement);
  item.replaceWith(kept);
  if (isHere) button.focus();
  say(`${file.name}\u00a0: ajoutée.`);
}

function stop(entry, text, canRetry, isLost) {
  keep(entry, isLost);
  show(entry, text);
  part(entry.item, "state").className = "errorlist";
  part(entry.item, "again").hidden = !canRetry;
  if (!isLost) refused.add(entry);
  say(`${entry.file.name}\u00a0: ${text}`);
}

function stay({ file, item }) {
  const state = part(item, "state");
  state.append(" Le reste n’est pas encore enregistré\u00a0: retirez ce fichier ou remplacez-le, puis sauvegardez.");
  say(`${file.name}\u00a0: ${state.textContent}`);
  part(item, "drop").focus();
}

list.onclick = async ({ target }) => {
  const button = target.closest("[data-remove]");
  if (!button) return;
  const [status] = await post(button.dataset.remove);
  if (status !== 204) return say("Pièce non retirée. Réessayez.");
  button.closest("li").remove();
  choose.focus();
  say("Pièce jointe retirée.");
};

const pick = (accept, isCamera) => () => {
  input.accept = accept;
  input.toggleAttribute("capture", isCamera);
  input.click();
};
choose.onclick = pick(input.accept, false);
take.onclick = pick("image/*", true);
input.onchange = () => {
  const files = [...input.files];
  input.value = "";
  files.forEach(add);
};
take.hidden = !matchMedia("(pointer: coarse)").matches;
choose.parentElement.hidden = false;
input.hidden = true;
part(form, "plain")?.remove();
for (const button of list.querySelectorAll("[data-remove]")) button.hidden = false;
// Saved while a file is on its way: the form waits, and stays if it is refused.
form.addEventListener("submit", (event) => {
  if (!sending) return;
  event.preventDefault();
  event.stopPropagation();
  if (isWaiting) return;
  isWaiting = true;
  refused.clear();
  last.finally(() => {
    isWaiting = false;
    if (refused.size) stay([...refused][0]);
    else form.requestSubmit(event.submitter);
  });
  say("Envoi des pièces jointes…");
});
