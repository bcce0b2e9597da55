import * as api from "./api.js";
import { el, stamp } from "./dom.js";
import { t } from "./i18n.js";
import { signedIn } from "./main.js";
import { switchLang, switchTheme } from "./prefs.js";

const demo = { admin: "admin123", alice: "alice123", bob: "bob123" };

/** The login page; notice is the key of a text that says why one is here. */
export function loginView(view, notice) {
  const ui = stamp("tpl-login");
  const form = ui.form.elements;

  const say = (text) => {
    ui.notice.hidden = !text;
    ui.noticeText.textContent = text;
  };
  say(notice && t(notice));

  for (const [name, password] of Object.entries(demo)) {
    const chip = el("button", "chip", name);
    chip.type = "button";
    chip.onclick = () => {
      form.username.value = name;
      form.password.value = password;
      ui.submit.focus();
    };
    ui.demo.append(chip);
  }

  ui.lang.onclick = switchLang;
  ui.theme.onclick = switchTheme;
  ui.form.onsubmit = async (e) => {
    e.preventDefault();
    ui.submit.disabled = true;
    try {
      const { token } = await api.login(form.username.value, form.password.value);
      signedIn(token);
    } catch (err) {
      notice = "";
      say(err.message);
    } finally {
      ui.submit.disabled = false;
    }
  };

  view.append(ui.root);
  form.username.focus();
  return { relabel: () => notice && say(t(notice)), leave: () => {} };
}
