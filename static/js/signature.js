// Signs with a finger, a pen or a mouse; the keyboard's way is the typed name and its box, always there.
// The drawing leaves as a file of the form: an ordinary field, checked on the server like any image.
for (const block of document.querySelectorAll("[data-signature]")) {
  const canvas = block.querySelector("canvas");
  const file = block.querySelector("input[type=file]");
  const pen = canvas.getContext("2d");
  let isBlank = true;

  // As fine as the screen, up to twice; measured at the first stroke, since a closed block has no size.
  function prepare() {
    const scale = Math.min(devicePixelRatio || 1, 2);
    canvas.width = Math.round(canvas.clientWidth * scale);
    canvas.height = Math.round(canvas.clientHeight * scale);
    Object.assign(pen, { fillStyle: "#fff", strokeStyle: "#1b2536", lineWidth: 2.2 * scale, lineCap: "round", lineJoin: "round" });
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  }

  function keep() {
    const bytes = Uint8Array.from(atob(canvas.toDataURL("image/png").split(",")[1]), (letter) => letter.charCodeAt(0));
    const held = new DataTransfer();
    held.items.add(new File([bytes], "signature.png", { type: "image/png" }));
    file.files = held.files;
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button) return;
    event.preventDefault();
    if (isBlank) prepare();
    isBlank = false;
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
    pen.lineTo(...at(event)); // a dot
    pen.stroke();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!event.isPrimary || !canvas.hasPointerCapture(event.pointerId)) return;
    for (const point of event.getCoalescedEvents?.() ?? [event]) pen.lineTo(...at(point));
    pen.stroke();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => isBlank || keep());

  block.querySelector("button").addEventListener("click", () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    isBlank = true;
    file.value = "";
  });
  block.hidden = false;
}
