// Sends the drafts saved without network: once, by one tab, with the key and the version they were begun with, so that the
// server files each once and shows a conflict instead of writing over it. A draft leaves only when the server has it.
const place = document.querySelector("[data-device]").dataset;
const { remove, rows, settle, who } = await import(place.device);
const { shrink } = await import(place.photo);
const LONGEST_WAIT = 300_000;
let timer, wait = 15_000;

const read = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");
const all = (page, selector) => [...page.querySelectorAll(selector)].map((part) => part.textContent.trim().replace(/\s+/g, " "));
const words = (page, selector) => all(page, selector)[0] ?? "";

function post(address, fields, headers = {}) {
  const body = new FormData();
  for (const [name, value] of fields) body.append(name, value);
  return fetch(address, { method: "POST", body, headers });
}

const isLater = ({ status }) => status >= 500 || status === 403 || status === 429;

// Each file by itself, as js/upload.js does: the server keeps the same one once, whatever became of its first answer.
async function sendFiles(draft, token, block) {
  for (const entry of draft.files.filter(([name]) => name === "attachment")) {
    if (!block) return ["fix", "cette demande ne prend pas de pièce jointe."];
    const fields = [["csrfmiddlewaretoken", token], ["kind", block.dataset.kind], ["file", await shrink(entry[1])]];
    const answer = await post(block.dataset.upload, fields, { "X-Requested-With": "XMLHttpRequest" });
    if (isLater(answer)) return ["later", ""];
    if (answer.status !== 201) return ["fix", `${entry[1].name}\u00a0: ${words(await read(answer), "main p, body:not(:has(main))")}`];
    const files = draft.files.filter((file) => file !== entry);
    if (!(await settle("drafts", draft, { ...draft, files }))) return ["typed", ""];
    draft.files = files;
  }
}

// [state, what the server said]: sent, sign, fix, changed, closed or later.
async function attempt(draft) {
  const address = `/demandes/${draft.number}/achevement/`;
  const opened = await fetch(address, { cache: "no-store" });
  if (opened.status >= 500 || opened.status === 429) return ["later", ""];
  const page = await read(opened);
  if (page.querySelector("[data-who]")?.dataset.who !== who) return ["sign", ""];
  const form = page.getElementById("rapport");
  if (!form) return ["closed", words(page, "main .note, main p")];
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const unfit = await sendFiles(draft, token, form.querySelector("[data-upload]"));
  if (unfit) return unfit;
  const proposed = [...form.querySelectorAll(".signature [name$=name]")].map(({ name, value }) => [name, value]);
  const fields = { ...Object.fromEntries(proposed), ...draft.fields, csrfmiddlewaretoken: token };
  const answer = await post(address, [...Object.entries(fields), ...draft.files]);
  if (answer.status >= 500 || answer.status === 429) return ["later", ""];
  const after = await read(answer);
  if (answer.status === 422) return ["fix", all(after, ".error-summary li").join(" ")];
  if (answer.status === 409) return ["changed", words(after, "main p")];
  for (const link of after.querySelectorAll(".notice a")) link.remove();
  const isSent = answer.redirected && new URL(answer.url).pathname === `/demandes/${draft.number}/`;
  return isSent ? ["sent", all(after, ".notice--success, .notice--warning").join(" ")] : ["sign", ""];
}

async function send(draft) {
  const [state, said] = await attempt(draft).catch(() => ["later", ""]);
  const kept = { ...draft, state, said, isQueued: ["sign", "later"].includes(state) };
  // Typed in since: that text has not been sent.
  if (!(await settle("drafts", draft, state === "sent" ? undefined : kept))) return {};
  if (state === "sent") await remove("requests", draft.number);
  return { number: draft.number, state, said };
}

// One tab at a time; another that finds the way taken leaves it to the first.
const alone = (work) => navigator.locks?.request("envoi", { ifAvailable: true }, (lock) => lock && work()) ?? work();

// The draft of that number, or all that were saved; told to the page by the event « sent ».
export async function flush(chosen) {
  clearTimeout(timer);
  const told = await alone(async () => {
    const found = await rows("drafts");
    const filed = document.querySelector("[data-filed]")?.dataset.filed;
    for (const { key, number } of found) if (key === filed) await remove("drafts", number);
    const due = found.filter(({ key, number, isQueued }) => key !== filed && (chosen ? number === chosen : isQueued));
    const outcomes = [];
    for (const draft of due) outcomes.push(await send(draft));
    return outcomes;
  });
  for (const detail of told ?? []) document.dispatchEvent(new CustomEvent("sent", { detail }));
  if (told && !told.some(({ state }) => state === "later")) return;
  timer = setTimeout(flush, wait);
  wait = Math.min(2 * wait, LONGEST_WAIT);
}

document.addEventListener("sent", ({ detail: { number, state, said } }) => {
  if (state !== "sent" || "list" in place) return;
  const notice = document.createElement("p");
  notice.className = "notice notice--success";
  notice.role = "status";
  notice.textContent = `Demande ${number}\u00a0: ${said}`;
  document.querySelector(".page-head").before(notice);
});
addEventListener("online", () => flush());
if (!("list" in place)) flush();
