// A form leaves only once the server answers, and the report warns before it is left. Loaded before once.js.
const report = document.querySelector("form[data-keep]");
const notice = document.createElement("div");
const warn = (event) => event.preventDefault();
const leaving = () => addEventListener("beforeunload", warn);
let passed, isAsking;

notice.className = "notice notice--error";
notice.role = "alert";

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (form.method !== "post" || !form.closest("main") || event.defaultPrevented) return;
  if (form === passed) return removeEventListener("beforeunload", warn);
  event.preventDefault();
  event.stopImmediatePropagation();
  if (isAsking) return;
  isAsking = true;
  notice.remove();
  try {
    await fetch(import.meta.url, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(8000) });
    passed = form;
    form.requestSubmit(submitter);
  } catch {
    const unsent = new CustomEvent("unsent", { detail: {} });
    form.dispatchEvent(unsent); // drafts.js answers whether this device keeps it
    if (await unsent.detail.isKept) removeEventListener("beforeunload", warn);
    else {
      (submitter?.closest(".buttons") ?? submitter ?? form).before(notice);
      notice.innerHTML = "<p>Pas de connexion. Rien n’est perdu\u00a0: réessayez dans un instant.</p>";
    }
  }
  isAsking = passed = false;
});

report?.addEventListener("input", leaving);
// Refused, it holds what nothing keeps.
if (report && document.querySelector(".error-summary")) leaving();
