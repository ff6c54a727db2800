// The review of a file: Ctrl + Entrée validates, a receipt is enlarged in place. Without scripts, a button and a link.
const form = document.getElementById("valider");
const button = form?.querySelector("[name=valider]");
const zoom = document.querySelector(".zoom");
const told = document.querySelector(".told");

// Another press, meant for the file before, would validate one that nobody has read.
button?.setAttribute("aria-disabled", "true");
setTimeout(() => button?.removeAttribute("aria-disabled"), 1000);
if (document.querySelector(".messagelist")) document.querySelector(".review-head h1").focus();

function say(words, field) {
  told.textContent = words;
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
}

// What is typed in another form of the page would be lost.
const typed = (sent) =>
  [...document.querySelectorAll("form[data-unsent]")]
    .filter((other) => other !== sent)
    .flatMap((other) => [...other.querySelectorAll("input:not([type=hidden]), textarea")])
    .find((field) => field.value.trim());

// Before once.js, for which a form held back has not been sent.
document.addEventListener("submit", (event) => {
  const field = event.target.method === "post" && event.target.closest(".review, .decide") && typed(event.target);
  const isEarly = event.target === form && button.hasAttribute("aria-disabled");
  if (!field && !isEarly) return;
  event.preventDefault();
  event.stopPropagation();
  if (field) say(field.form.dataset.unsent, field);
}, true);

// Somebody in a field, or on another button, is deciding something else.
const isElsewhere = () =>
  document.activeElement.matches("textarea, select, summary, button:not([name=valider]), input:not([type=checkbox])");

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && form && !zoom.open) document.activeElement.blur();
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  if (!form || zoom.open) return;
  event.preventDefault();
  if (event.repeat || button.hasAttribute("aria-disabled")) return;
  const tick = form.querySelector("[type=checkbox]:not(:checked)");
  if (isElsewhere()) say(form.dataset.elsewhere);
  else if (tick && !typed(form)) say(form.dataset.unticked, tick);
  else form.requestSubmit(button);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-zoom]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const image = zoom.querySelector("img");
  image.src = link.href;
  image.alt = link.querySelector("img").alt;
  zoom.showModal();
});

// Anywhere but on the picture closes it; Escape does by itself.
zoom.addEventListener("click", (event) => event.target === zoom && zoom.close());
