// Small helpers over the page's <template> elements.

import { translate } from "./i18n.js";

/** Copies a template; gives its elements by their data-ref. */
export function stamp(id) {
  const root = document.getElementById(id).content.cloneNode(true);
  translate(root);
  const refs = { root };
  for (const el of root.querySelectorAll("[data-ref]")) refs[el.dataset.ref] = el;
  return refs;
}

export function el(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

/** Says something for a few seconds. */
export function toast(text, kind = "info") {
  const e = el("div", `toast ${kind}`, text);
  const all = document.getElementById("toasts");
  all.append(e);
  // Shown anew each time, to lie above a dialog that was opened since.
  all.hidePopover();
  all.showPopover();
  setTimeout(() => e.remove(), 4000);
}
