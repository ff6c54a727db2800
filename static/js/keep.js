// A form leaves only once the server answers, the report warns before it is left, and a message being written stays
// when another button of its page is pressed. Loaded before once.js.
const here = location.pathname.split("/", 3).join();
const report = document.querySelector("form[data-keep]");
const notice = document.createElement("div");
const warn = (event) => event.preventDefault();
const leaving = () => addEventListener("beforeunload", warn);
let passed, isAsking;

notice.className = "notice notice--error";
notice.role = "alert";

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (form.className === "account") sessionStorage.clear();
  if (form.method !== "post" || !form.closest("main") || event.defaultPrevented) return;
  if (form === passed) {
    removeEventListener("beforeunload", warn);
    const texts = [...document.querySelectorAll("textarea[id]")].filter((text) => text.form !== form && text.value);
    sessionStorage.texts = JSON.stringify([here, texts.map(({ id, value }) => [id, value])]);
    return;
  }
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
    (submitter?.closest(".buttons") ?? submitter ?? form).before(notice);
    notice.innerHTML = "<p>Pas de connexion. Rien n’est perdu\u00a0: réessayez dans un instant.</p>";
  }
  isAsking = passed = false;
});

report?.addEventListener("input", leaving);
// Refused, it holds what nothing keeps.
if (report && document.querySelector(".error-summary")) leaving();

const [place, texts] = JSON.parse(sessionStorage.texts ?? "[]");
delete sessionStorage.texts;
for (const [id, value] of place === here ? texts : []) {
  const text = document.getElementById(id);
  if (text) text.value = value;
}
