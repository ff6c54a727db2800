// A form pressed twice would ask for two codes, or use one twice: the second press waits for the answer to the first.
// Ten seconds without an answer, or « Précédent », wake it; nothing is disabled, so that the button pressed is still sent.
const asleep = new Set();

function wake(form) {
  asleep.delete(form);
  for (const button of form.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (asleep.has(form)) return event.preventDefault();
  asleep.add(form);
  event.submitter?.setAttribute("aria-disabled", "true");
  setTimeout(wake, 10_000, form);
});
addEventListener("pageshow", () => asleep.forEach(wake));
