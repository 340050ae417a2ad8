// A finished page tells the platform by itself; the button is for those without scripts and for a second try.

const leave = document.getElementById("leave");
if (leave instanceof HTMLFormElement) leave.requestSubmit();
else if (leave instanceof HTMLAnchorElement) location.replace(leave.href);
