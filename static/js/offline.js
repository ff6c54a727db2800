// The page « hors ligne » and « Brouillons »: the drafts of this device that the server does not have yet, and the requests
// it keeps. All is the last person's who signed in here, and nobody else's.
const place = document.querySelector("[data-device]").dataset;
const { draftOf, remove, rows } = await import(place.device);
const { when } = await import(place.resume);
const { flush } = await import(place.sending);
const { open } = await import(place.sheet);
const of = (whole, name) => whole.querySelector(`[data-${name}]`);
const lists = document.getElementById("listes");
const news = document.getElementById("nouvelle");
const cut = document.getElementById("sans-reseau");
const SAID = {
  fix: (said) => `À corriger\u00a0: ${said}`,
  changed: () => "La demande a changé depuis\u00a0: comparez ce que vous aviez noté avec ce qu’elle est maintenant.",
  closed: (said) => `Pas envoyé\u00a0: ${said}`,
  sign: () => "Connectez-vous pour envoyer ce brouillon. Il reste sur cet appareil.",
  later: () => "Pas encore parti\u00a0: un nouvel essai se fera de lui-même.",
};

function add([template, where], { number }, about, press) {
  const item = document.getElementById(template).content.firstElementChild.cloneNode(true);
  of(item, "number").textContent = number;
  of(item, "about").textContent = about ? `${about.hours} · ${about.language} · ${about.place}` : "";
  of(item, "open").onclick = press;
  document.getElementById(where).append(item);
  return item;
}

function addDraft(draft, about) {
  const { number, state, said } = draft;
  const fill = () => show(true) || open(number, draft, about);
  // With network, the page of the request: it knows what the request is now. A request that is closed has none.
  const real = `/demandes/${number}/achevement/#${state === "changed" ? "comparer" : "reprendre"}`;
  const resume = () => (navigator.onLine && state !== "closed" ? location.assign(real) : fill());
  const item = add(["un-brouillon", "brouillons"], draft, about, resume);
  of(item, "when").textContent = when(draft.at);
  of(item, "send").onclick = () => flush(number);
  of(item, "discard").onclick = () => remove("drafts", number).then(list);
  of(item, "state").hidden = !state;
  of(item, "state").className = ["sign", "later"].includes(state) ? "quiet" : "errorlist";
  of(item, "state").textContent = SAID[state]?.(said) ?? "";
}

async function list() {
  const [drafts, kept] = [await rows("drafts"), await rows("requests")];
  const about = (number) => kept.find((row) => row.number === number);
  const free = kept.filter(({ number }) => !drafts.some((draft) => draft.number === number));
  for (const part of lists.querySelectorAll("ul")) part.replaceChildren();
  for (const draft of drafts) addDraft(draft, about(draft.number));
  for (const row of free) add(["une-demande", "demandes"], row, row, () => show(true) || open(row.number, undefined, row));
  for (const none of lists.querySelectorAll("[data-none]")) none.hidden = Boolean(none.parentElement.querySelector("li"));
}

// The form, or the lists.
function show(isForm) {
  document.getElementById("remplir").hidden = !isForm;
  lists.hidden = isForm;
  news.hidden = true;
}

function tell(text, kind) {
  news.className = `notice notice--${kind}`;
  news.hidden = false;
  news.firstElementChild.textContent = text;
}

document.addEventListener("kept", async ({ detail: { isQueued } }) => {
  await list();
  show(false);
  if (isQueued) tell(news.dataset.kept, "info");
  scrollTo(0, 0);
  if (isQueued) flush();
});
document.addEventListener("sent", async ({ detail: { number, state, said } }) => {
  if (state === "sent") tell(`Demande ${number}\u00a0: ${said}`, "success");
  else if (state !== "later") news.hidden = true;
  await list();
});

const look = () => (cut.hidden = navigator.onLine && /^\/(brouillons|hors-ligne)\//.test(location.pathname));
for (const change of ["online", "offline"]) addEventListener(change, look);
look();
await list();
// This page in the place of the one of a request: its draft, or a blank form.
const asked = Number(location.pathname.match(/^\/demandes\/(\d+)\/achevement\//)?.[1]);
const about = (await rows("requests")).find(({ number }) => number === asked);
const draft = await draftOf(asked);
if (draft || about) show(true) || open(asked, draft, about);
else flush();
