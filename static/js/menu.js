// <details class="menu"> opens and closes by itself; this closes it on Escape and on a click elsewhere.
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector(".menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
for (const moment of ["click", "focusin"]) {
  document.addEventListener(moment, (event) => {
    for (const menu of document.querySelectorAll(".menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
}
