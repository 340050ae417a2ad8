// Moments in the worker's own time, written as the phone writes them; the server has UTC for those without scripts.

const { lang } = document.documentElement;
const own = navigator.languages.find((one) => one.split("-")[0] === lang);
const form = new Intl.DateTimeFormat(own ?? lang, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
});
for (const element of document.querySelectorAll("time[data-moment]")) {
  element.textContent = form.format(new Date(element.dateTime));
}
