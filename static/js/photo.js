// A photo made light before it leaves the phone: 1 600 px at most, without where and when it was taken. What the
// browser cannot read, what would weigh as much and what is no image goes as it is, so that a photo made light stays the
// same file: the server checks everything again.
const SIDE = 1600;
const QUALITY = 0.7;

export async function shrink(file) {
  if (!file.type.startsWith("image/")) return file;
  let image;
  try {
    // The browser turns it the right way up by itself.
    image = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(image.width, image.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(image.width * scale));
    canvas.height = Math.max(1, Math.round(image.height * scale));
    const pen = canvas.getContext("2d");
    // JPEG has no transparency: what shows through is paper, not night.
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    const light = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    canvas.width = 0; // some phones give the memory back only so
    if (light?.type !== "image/jpeg" || light.size >= 0.9 * file.size) return file;
    const name = file.name.replace(/\.[^.]*$/, "") || "photo";
    return new File([light], `${name}.jpg`, { type: light.type, lastModified: file.lastModified });
  } catch {
    return file;
  } finally {
    image?.close();
  }
}
