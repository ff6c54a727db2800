// A message being written stays when another button of its page is pressed. Loaded after keep.js, which holds a form back
// until the server answers.
const here = location.pathname.split("/", 3).join();

addEventListener("submit", ({ target: form, defaultPrevented }) => {
  if (form.method !== "post" || !form.closest("main") || defaultPrevented) return;
  const texts = [...document.querySelectorAll("textarea[id]")].filter((text) => text.form !== form && text.value);
  sessionStorage.texts = JSON.stringify([here, texts.map(({ id, value }) => [id, value])]);
});

const [place, texts] = JSON.parse(sessionStorage.texts ?? "[]");
delete sessionStorage.texts;
for (const [id, value] of place === here ? texts : []) {
  const text = document.getElementById(id);
  if (text) text.value = value;
}
