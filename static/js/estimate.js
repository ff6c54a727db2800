// The « Détails de l'achèvement »: « Maintenant » fills a row in by the server's clock, and « Entrée » saves nothing.
// Without this file both post the page, which comes back with what was typed.
const form = document.getElementById("rapport");
// Offline, the telephone's own clock is all there is.
const late = Number(form.dataset.now) - Date.now() || 0;
const clock = new Intl.DateTimeFormat("en-CA", {
  timeZone: "America/Toronto",
  hourCycle: "h23",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "numeric",
  minute: "2-digit",
});

function now(row) {
  const { year, month, day, hour, minute } = Object.fromEntries(
    clock.formatToParts(Date.now() + late).map(({ type, value }) => [type, value]),
  );
  row.querySelector("[name$=-date]").value = `${year}-${month}-${day}`;
  const time = row.querySelector("[name$=-time]");
  time.value = `${Number(hour)} h ${minute}`;
  time.dispatchEvent(new Event("input", { bubbles: true }));
  row.querySelector("[name$=-purpose]").focus();
}

form.addEventListener("submit", (event) => {
  const { name, ariaHidden, value } = event.submitter ?? {};
  if (name === "maintenant") now(form.querySelector(`[name=communications-${value}-date]`).closest("li"));
  else if (!ariaHidden) return;
  // once.js must not wait for an answer that never comes.
  event.preventDefault();
  event.stopPropagation();
  if (ariaHidden) document.activeElement.blur(); // a telephone puts its keyboard away
});

// The frame of a signature, for the few who open it.
const signature = form.querySelector(".signature");
const draw = () => signature.open && import(form.dataset.signature).catch(() => {});
signature?.addEventListener("toggle", draw);
if (signature) draw();

// A receipt kept, or taken back, changes what is paid (js/upload.js).
const files = form.querySelector("[data-upload] .files");
const refresh = () => document.getElementById("estimation").dispatchEvent(new Event("refresh"));
if (files) new MutationObserver(refresh).observe(files, { childList: true });
