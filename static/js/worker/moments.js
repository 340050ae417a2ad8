// Moments in the worker's own time; the server writes them in UTC for those without scripts.

const form = new Intl.DateTimeFormat(document.documentElement.lang, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
});
for (const element of document.querySelectorAll("time[data-moment]")) {
  element.textContent = form.format(new Date(element.dateTime));
}
