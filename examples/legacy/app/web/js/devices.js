// The page's main frame: who is logged in, the connection that watches over the
// login, and the list of devices.

import * as api from "./api.js";
import { openDevice } from "./dialog.js";
import { stamp, toast } from "./dom.js";
import { degrees, t, timeOf } from "./i18n.js";
import { Live } from "./live.js";
import { signedOut } from "./main.js";
import { Pill } from "./pill.js";
import { switchLang, switchTheme } from "./prefs.js";

export function devicesView(view) {
  const ui = stamp("tpl-app");
  let rows = [];
  let live = null;
  let dialog = null;
  let gone = false;

  const pill = new Pill(ui.state, ui.stateText, () => live?.again());

  async function start() {
    const { user } = await api.getInfo();
    if (gone) return;
    ui.user.textContent = user.nickName;
    ui.dept.textContent = user.dept.deptName;
    ui.avatar.textContent = user.nickName.split(" ").map((w) => w[0]).join("");
    live = new Live(`msg:${user.userId}`, onText, pill.show);
    live.connect();
    await load();
  }

  function onText(text) {
    if (text === "loginOut") signedOut("notice.displaced");
  }

  async function load() {
    ui.refresh.disabled = true;
    try {
      rows = (await api.listDevices()).rows;
      render();
    } finally {
      ui.refresh.disabled = false;
    }
  }

  const attempt = (work) => work().catch((err) => gone || toast(err.message, "bad"));

  async function edit(id) {
    const { data } = await api.getDevice(id);
    if (gone || dialog) return;
    dialog = openDevice(data, () => {
      dialog = null;
      if (!gone) attempt(load);
    });
  }

  function render() {
    const alarms = rows.filter(inAlarm).length;
    ui.tDevices.textContent = rows.length;
    ui.tReporting.textContent = rows.filter((d) => d.enabled).length;
    ui.tAlarm.textContent = alarms;
    ui.alarmTile.classList.toggle("bad", alarms > 0);
    const batteries = rows.filter((d) => d.last).map((d) => d.last.battery);
    ui.tBattery.textContent = batteries.length ? `${Math.min(...batteries)} %` : "–";

    const wanted = ui.search.value.trim().toLowerCase();
    const shown = rows.filter((d) => `${d.name} ${d.location} ${d.deptName} ${d.imei}`.toLowerCase().includes(wanted));
    ui.summary.textContent = t("devices.summary", shown.length, rows.length);
    ui.empty.hidden = shown.length > 0;
    ui.rows.replaceChildren(...shown.map((d) => row(d, () => attempt(() => edit(d.id)))));
  }

  ui.search.oninput = render;
  ui.refresh.onclick = () => attempt(load);
  ui.lang.onclick = switchLang;
  ui.theme.onclick = switchTheme;
  ui.logout.onclick = async () => {
    // Whatever the server says, the user is out as far as this page goes.
    await api.logout().catch(() => {});
    if (!gone) signedOut();
  };

  view.append(ui.root);
  attempt(start);
  return {
    relabel() {
      pill.render();
      render();
    },
    leave() {
      gone = true;
      live?.close();
      dialog?.close();
    },
  };
}

const inAlarm = (d) => d.enabled && Boolean(d.last?.alarm);

function row(d, edit) {
  const r = stamp("tpl-row");
  const state = !d.enabled ? "off" : inAlarm(d) ? "alarm" : "ok";
  r.name.textContent = d.name;
  r.imei.textContent = d.imei;
  r.location.textContent = d.location || "–";
  r.dept.textContent = d.deptName;
  r.state.textContent = t(`row.${state}`);
  r.state.dataset.state = state;
  r.temperature.textContent = d.last ? degrees(d.last.temperature) : "–";
  r.limit.textContent = t("row.limit", degrees(d.alarmAt));
  r.humidity.textContent = d.last ? `${d.last.humidity.toFixed(1)} %` : "–";
  r.battery.textContent = d.last ? `${d.last.battery} %` : "–";
  r.time.textContent = timeOf(d.last?.time);
  r.edit.onclick = edit;
  r.edit.dataset.id = d.id;
  return r.root;
}
