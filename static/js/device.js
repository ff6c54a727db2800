// What stays on this device for a basement without network (screens.md, 4): requests of the next hours and drafts of their
// « Détails de l'achèvement », in the IndexedDB « ims », all of the last person signed in here (localStorage.owner). Where
// a browser keeps nothing, as in its private windows, nothing is found, nothing is kept, and the page works without.
const WEEK = 7 * 24 * 3600_000;
export const { dataset } = document.querySelector("[data-device]");
export const who = dataset.who ?? localStorage.owner;

// Another person's goes before anything is read.
if (localStorage.owner && localStorage.owner !== who) {
  indexedDB?.deleteDatabase("ims");
  localStorage.removeItem("drafts");
}
if (who) localStorage.owner = who;

const opening = new Promise((done) => {
  const asked = indexedDB.open("ims", 1);
  asked.onupgradeneeded = () => {
    for (const name of ["requests", "drafts"]) asked.result.createObjectStore(name, { keyPath: "id" });
  };
  asked.onerror = () => done();
  asked.onsuccess = () => {
    // Somebody signs out in another tab: all of it may go.
    asked.result.onversionchange = () => asked.result.close();
    done(asked.result);
  };
}).catch(() => {});

async function ask(store, mode, how, isLong) {
  const base = await opening;
  return new Promise((done) => {
    const work = base.transaction(store, mode);
    const asked = how(work.objectStore(store));
    work.oncomplete = () => done(asked.result ?? true);
    work.onabort = () => done();
    if (!isLong) work.commit?.(); // at once: the page may be closing
  }).catch(() => {});
}

const idOf = (number) => `${who}-${number}`;

export async function rows(store) {
  const all = (await ask(store, "readonly", (each) => each.getAll())) ?? [];
  const old = all.filter((row) => row.at < Date.now() - WEEK);
  for (const row of old) await ask(store, "readwrite", (each) => each.delete(row.id));
  return all.filter((row) => row.who === who && !old.includes(row)).sort((a, b) => a.number - b.number);
}

export const draftOf = async (number) => (await rows("drafts")).find((row) => row.number === number);

async function count() {
  const { length } = await rows("drafts");
  if (localStorage.owner !== who) return;
  localStorage[length ? "setItem" : "removeItem"]("drafts", length);
  for (const line of document.querySelectorAll("[data-drafts]")) line.hidden = !length;
}

// True once it is kept; never for somebody who has signed out meanwhile.
export async function put(store, row) {
  if (!who || localStorage.owner !== who) return false;
  const isKept = await ask(store, "readwrite", (each) => each.put({ at: Date.now(), ...row, who, id: idOf(row.number) }));
  await count();
  return Boolean(isKept);
}

// The row of that instant gives way to another, or to none, unless something newer was kept since: true once it has.
export async function settle(store, { id, at }, row) {
  let isDone = false;
  await ask(store, "readwrite", (each) => {
    const asked = each.get(id);
    asked.onsuccess = () => {
      if (asked.result?.at !== at || localStorage.owner !== who) return;
      isDone = true;
      if (row) each.put(row);
      else each.delete(id);
    };
    return asked;
  }, true);
  await count();
  return isDone;
}

export async function remove(store, number) {
  await ask(store, "readwrite", (each) => each.delete(idOf(number)));
  await count();
}

// What a page says of the requests to keep, and of those that need it no more.
export async function hold(said) {
  const { kept, gone } = JSON.parse(said);
  for (const row of kept) await put("requests", row);
  for (const number of gone) await remove("requests", number);
}
