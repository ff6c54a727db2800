// The « Détails de l'achèvement » filled in without network, on the page « hors ligne »: kept on this device as they are
// typed, with the version of the request that was seen, and sent by sending.js once they are saved.
const place = document.querySelector("[data-device]").dataset;
const { put } = await import(place.device);
const { fill } = await import(place.resume);
const { shrink } = await import(place.photo);
const form = document.getElementById("rapport");
const sheet = document.getElementById("remplir");
const block = form.querySelector("[data-kept-files]");
const input = block.querySelector("input");
const of = (whole, name) => whole.querySelector(`[data-${name}]`);
const TRAVEL = ["distance_km", "travel_minutes", "parking_amount"];
let number, timer, isSent, others, held = [];

// `draft` and `about` (the request as it is kept) may be missing, not both.
export function open(asked, draft, about) {
  number = asked;
  isSent = false;
  held = draft?.files ?? [];
  form.reset();
  const blank = { "communications-TOTAL_FORMS": 0, version: about?.version, key: crypto.randomUUID() };
  fill(form, { fields: draft?.fields ?? blank, files: [] });
  forget();
  showFiles();
  // It may have left: what is typed after is another report. What this sheet has no field for stays as it was.
  isSent = Boolean(draft?.isQueued || draft?.state);
  others = Object.entries(draft?.fields ?? {}).filter(([name]) => !form.elements[name] && !name.startsWith("communications-"));
  of(sheet, "number").textContent = number;
  of(sheet, "about").textContent = about ? `${about.hours} · ${about.language} · ${about.place}` : "";
  const isOnSite = about?.service === "on_site" || TRAVEL.some((name) => draft?.fields[name]);
  form.elements.distance_km.closest("fieldset").hidden = !isOnSite;
  sheet.querySelector("h2").focus();
}

function forget() {
  clearTimeout(timer);
  timer = 0;
}

async function save(isQueued) {
  forget();
  const typed = [...new FormData(form)].filter(([name]) => name !== "attachment");
  const fields = Object.fromEntries([...others, ...typed]);
  const isKept = await put("drafts", { number, fields, files: held, key: fields.key, version: fields.version, isQueued });
  document.getElementById("perdu").hidden = isKept;
  return isKept;
}

function leave(isQueued) {
  number = undefined;
  document.dispatchEvent(new CustomEvent("kept", { detail: { isQueued } }));
}

function showFiles() {
  const shown = block.querySelector("ul");
  shown.replaceChildren();
  for (const entry of held) {
    const item = block.querySelector("template").content.firstElementChild.cloneNode(true);
    for (const name of item.querySelectorAll("[data-name]")) name.append(` ${entry[1].name}`);
    of(item, "drop").onclick = () => keepFiles(held.filter((file) => file !== entry));
    shown.append(item);
  }
}

function renew() {
  if (isSent) form.elements.key.value = crypto.randomUUID();
  isSent = false;
}

function keepFiles(files) {
  renew();
  held = files;
  showFiles();
  return save();
}

const pick = (accept, isCamera) => () => {
  input.accept = accept;
  input.toggleAttribute("capture", isCamera);
  input.click();
};
of(block, "choose").onclick = pick(input.accept, false);
of(block, "take").onclick = pick("image/*", true);
of(block, "take").hidden = !matchMedia("(pointer: coarse)").matches;
of(block, "choose").parentElement.hidden = false;
input.hidden = true;
input.onchange = async () => {
  const chosen = [...input.files];
  input.value = "";
  const light = await Promise.all(chosen.map(shrink));
  await keepFiles([...held, ...light.map((file) => ["attachment", file])]);
};

form.addEventListener("input", ({ target }) => {
  forget();
  renew();
  if (number && target !== input) timer = setTimeout(save, 300);
});
for (const end of ["pagehide", "visibilitychange"]) addEventListener(end, () => timer && save());
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!event.submitter?.name && (await save(true))) leave(true);
});
of(sheet, "close").onclick = async () => {
  if (!timer || (await save())) leave(false);
};
