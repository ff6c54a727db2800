// The summary takes the focus, so that a screen reader says it first; its links focus the field itself.
const summary = document.querySelector(".error-summary");
summary?.focus();
summary?.addEventListener("click", (event) => {
  const field = document.getElementById(event.target.hash?.slice(1));
  if (!field) return;
  event.preventDefault();
  field.closest(".field")?.scrollIntoView();
  field.focus({ preventScroll: true });
});
