// « Installer l’application » by a button, where the browser lets a page ask for it; elsewhere by the steps written there.
const place = document.querySelector("[data-install]");
const buttons = place.querySelector(".buttons");
let offer;

addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  offer = event;
  buttons.hidden = false;
});
// An offer is made once; whoever declines it gets another from the browser, later.
buttons.onclick = () => {
  buttons.hidden = true;
  offer.prompt();
};
addEventListener("appinstalled", () => {
  buttons.hidden = true;
  place.querySelector("[role=status]").textContent = "L’application est installée\u00a0: ouvrez-la par son icône.";
});
