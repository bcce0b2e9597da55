// Which view is shown, and the ways in and out of a login.

import { translate } from "./i18n.js";
import { remember } from "./prefs.js";
import { loginView } from "./login.js";
import { devicesView } from "./devices.js";

const views = { "#/login": loginView, "#/devices": devicesView };

let current = null; // { relabel(), leave() } of the view that is shown
let notice = "";

function show() {
  let at = views[location.hash] ? location.hash : "#/devices";
  if (!localStorage.getItem("token")) at = "#/login";
  if (at !== location.hash) history.replaceState(null, "", at);
  current?.leave();
  const view = document.getElementById("view");
  view.replaceChildren();
  current = views[at](view, notice);
  notice = "";
}

export function signedIn(token) {
  localStorage.setItem("token", token);
  location.hash = "#/devices";
}

/** Forgets the token and goes to the login page, with a notice for the user. */
export function signedOut(why = "") {
  localStorage.clear();
  remember();
  notice = why;
  history.replaceState(null, "", "#/login");
  show();
}

document.addEventListener("langchange", () => {
  translate(document);
  current?.relabel();
});
addEventListener("hashchange", show);
show();
