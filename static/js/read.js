// A thread in view for a second has been read: this says so as « Marquer comme lu » does, and only the marks go.
const waiting = new Map();

async function markRead(form) {
  watch.unobserve(form);
  const said = { method: "POST", body: new FormData(form), headers: { "X-Requested-With": "fetch" } };
  const answer = await fetch(form.action, said).catch(() => null);
  if (answer?.status !== 204) return; // the button stays
  const thread = form.closest("section");
  for (const mark of thread.querySelectorAll(".new")) mark.remove();
  if (form.contains(document.activeElement)) thread.querySelector("textarea")?.focus();
  form.remove();
  if (!document.querySelector("[data-read]")) document.querySelector("#new-messages")?.remove();
}

const watch = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    clearTimeout(waiting.get(target));
    if (isIntersecting) waiting.set(target, setTimeout(markRead, 1000, target));
  }
});
for (const form of document.querySelectorAll("[data-read]")) {
  watch.observe(form);
  // Pressed: the page stays, with the answer being written.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    markRead(form);
  });
}
