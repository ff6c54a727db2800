// Adds a row to a Django formset without a round trip; without this file the same button posts and the view adds the row.
for (const block of document.querySelectorAll("[data-repeat]")) {
  const total = block.querySelector(`[name="${block.dataset.repeat}-TOTAL_FORMS"]`);
  const most = block.querySelector(`[name="${block.dataset.repeat}-MAX_NUM_FORMS"]`);
  const items = block.querySelector(".repeat-items");
  const button = block.querySelector("[name=ajouter]");

  button.addEventListener("click", (event) => {
    event.preventDefault();
    const index = Number(total.value);
    const holder = document.createElement("template");
    holder.innerHTML = block.querySelector("template").innerHTML.replaceAll("__prefix__", index);
    const item = holder.content.firstElementChild;
    const number = item.querySelector("[data-number]");
    if (number) number.textContent = index + 1;
    items.append(item);
    total.value = index + 1;
    button.hidden = most !== null && index + 1 >= Number(most.value);
    item.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  });
}
