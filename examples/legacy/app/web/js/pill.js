// The little sign that shows the state of a connection; when all retries have
// failed, a click on it begins anew.

import { t } from "./i18n.js";

export class Pill {
  #last = ["idle", 0, 0];

  constructor(button, text, again) {
    this.button = button;
    this.text = text;
    button.onclick = () => {
      if (this.#last[0] === "failed") again();
    };
    this.render();
  }

  show = (...state) => {
    this.#last = state;
    this.render();
  };

  render() {
    const [state, retries, max] = this.#last;
    this.button.dataset.state = state;
    this.button.tabIndex = state === "failed" ? 0 : -1;
    this.text.textContent = t(`state.${state}`, retries, max);
  }
}
