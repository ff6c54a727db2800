// « Renvoyer le code »: the button wakes when the seconds are over. Without this file it is awake, and the server says to wait.
const button = document.querySelector("button[data-wait]");
const words = document.querySelector("[data-countdown]");
const until = Date.now() + Number(button?.dataset.wait) * 1000;

function tick() {
  const left = Math.ceil((until - Date.now()) / 1000);
  words.hidden = left <= 0;
  button.disabled = left > 0;
  words.querySelector("span").textContent = left;
  if (left > 0) setTimeout(tick, 500);
}
if (button && words) tick();
