// Theme and language. They are kept beside the token in localStorage, which
// signing out clears as a whole; remember() writes them back.

const prefs = {
  theme: localStorage.getItem("theme") || "auto",
  lang: localStorage.getItem("lang") || "en",
};

export const lang = () => prefs.lang;

export function remember() {
  for (const [k, v] of Object.entries(prefs)) localStorage.setItem(k, v);
}

function apply() {
  const root = document.documentElement;
  root.lang = prefs.lang === "zh" ? "zh-CN" : "en";
  if (prefs.theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = prefs.theme;
}

export function switchLang() {
  prefs.lang = prefs.lang === "en" ? "zh" : "en";
  remember();
  apply();
  document.dispatchEvent(new Event("langchange"));
}

/** To the opposite of what is seen now. */
export function switchTheme() {
  const dark = prefs.theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : prefs.theme === "dark";
  prefs.theme = dark ? "light" : "dark";
  remember();
  apply();
}

apply();
