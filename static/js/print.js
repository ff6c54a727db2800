// « Imprimer »: the browser's own command, which whoever has no JavaScript finds in its menu.
for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => print());
  button.hidden = false;
}
