// A draft of the « Détails de l'achèvement » found on this device: taken up again or deleted before anything else is typed.
const { dataset } = document.querySelector("[data-device]");
const { remove } = await import(dataset.device);

// What was typed, rows and files included, in the form as it is now.
export function fill(form, { fields, files }) {
  const items = () => form.querySelectorAll(".repeat-items > li");
  const count = fields["communications-TOTAL_FORMS"];
  while (items().length < count) form.querySelector("[name=ajouter]").click();
  for (const item of [...items()].slice(count)) item.remove();
  for (const field of form.elements) {
    const { name, type } = field;
    if (type === "file") {
      const chosen = new DataTransfer();
      for (const [where, file] of files) if (where === name) chosen.items.add(file);
      field.files = chosen.files;
      if (chosen.files.length) field.dispatchEvent(new Event("change"));
    } else if (/radio|checkbox/.test(type)) field.checked = fields[name] === field.value;
    else if (name in fields && type !== "submit") field.value = fields[name];
  }
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

export const when = (at) => new Intl.DateTimeFormat("fr-CA", { dateStyle: "long", timeStyle: "short", timeZone: "America/Toronto" }).format(at);

export function resume(draft, form) {
  const notice = document.getElementById("brouillon");
  const wait = (isWaiting) => {
    notice.hidden = !isWaiting;
    for (const part of [form, document.querySelector(".tally")]) part.inert = isWaiting;
  };
  const decide = (isTaken) => {
    wait(false);
    // It may have left, and its answer been lost: what is taken up is another report, which the version still guards.
    if (isTaken) fill(form, { ...draft, fields: { ...draft.fields, key: crypto.randomUUID() } });
    else remove("drafts", draft.number);
    form.querySelector("input:not([type=hidden])").focus();
  };
  notice.querySelector("[data-when]").textContent = when(draft.at);
  notice.querySelector("[data-resume]").onclick = () => decide(true);
  notice.querySelector("[data-discard]").onclick = () => decide(false);
  if (/^#(reprendre|comparer)$/.test(location.hash)) decide(true);
  else wait(true);
  // The server's own page shows what changed beside what was noted.
  if (location.hash === "#comparer" && draft.state === "changed") document.querySelector(".tally button").click();
}
