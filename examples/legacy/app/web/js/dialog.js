// The edit dialog of one device. It has a connection of its own, so that closing
// it never touches the one that watches over the login.

import * as api from "./api.js";
import { Chart } from "./chart.js";
import { el, stamp, toast } from "./dom.js";
import { signed, t, timeOf } from "./i18n.js";
import { Live } from "./live.js";
import { Pill } from "./pill.js";

const KEEP = 500; // received reports that are listed

/** Opens the dialog; closed is called once, after its connection is closed. */
export function openDevice(device, closed) {
  const ui = stamp("tpl-dialog");
  const form = ui.form.elements;
  const data = []; // newest first
  let received = 0;
  let dirty = false; // the form holds what is not saved
  let saving = false;
  let painted = 0; // how many of the received are on screen
  let frame = 0;

  const chart = new Chart(ui.chart);
  const live = new Live(`data_imei:${device.id}`, onText, (...s) => pill.show(...s));
  const pill = new Pill(ui.state, ui.stateText, () => live.again());

  function fill(d) {
    device = d;
    dirty = false;
    ui.title.textContent = d.name;
    ui.imei.textContent = `IMEI ${d.imei}`;
    for (const k of ["name", "location", "interval", "alarmAt", "remark"]) form[k].value = d[k];
    form.enabled.checked = d.enabled;
    ui.updated.textContent = d.updateBy ? t("edit.updated", d.updateBy, d.updateTime) : "";
    chart.limit = d.alarmAt;
    paint();
  }

  function onText(text) {
    let report;
    try {
      report = JSON.parse(text);
    } catch {
      return; // not data
    }
    received++;
    data.unshift(report);
    if (data.length > KEEP) data.splice(KEEP);
    if (report.event === "saved" && !saving) {
      toast(t("savedBy", report.by));
      if (!dirty) reload();
    }
    // Many may arrive between two frames: paint once.
    frame ||= requestAnimationFrame(paint);
  }

  const reload = () => api.getDevice(device.id).then(({ data: d }) => ui.dialog.open && !dirty && fill(d), () => {});

  function paint() {
    frame = 0;
    const [now] = data;
    ui.waiting.hidden = Boolean(now);
    ui.count.textContent = now ? t("live.count", received) : "";
    chart.draw(data);
    if (!now) return;
    ui.temperature.textContent = signed(now.temperature, 1);
    ui.temperature.parentElement.classList.toggle("bad", now.alarm);
    ui.humidity.textContent = `${now.humidity.toFixed(1)} %`;
    ui.battery.textContent = `${now.battery} %`;
    ui.signal.textContent = `${signed(now.signal)} dBm`;
    ui.log.prepend(...data.slice(0, received - painted).map(line));
    while (ui.log.rows.length > KEEP) ui.log.lastElementChild.remove();
    painted = received;
  }

  async function save() {
    ui.save.disabled = saving = true;
    try {
      await api.saveDevice(device.id, {
        name: form.name.value,
        location: form.location.value,
        interval: form.interval.valueAsNumber,
        alarmAt: form.alarmAt.valueAsNumber,
        remark: form.remark.value,
        enabled: form.enabled.checked,
      });
      fill((await api.getDevice(device.id)).data);
      toast(t("saved"), "good");
    } catch (err) {
      if (ui.dialog.isConnected) toast(err.message, "bad");
    } finally {
      ui.save.disabled = saving = false;
    }
  }

  ui.form.oninput = () => { dirty = true; };
  ui.form.onsubmit = (e) => {
    e.preventDefault();
    save();
  };
  ui.x.onclick = ui.cancel.onclick = () => ui.dialog.close();
  ui.dialog.onclick = (e) => {
    if (e.target === ui.dialog) ui.dialog.close(); // the backdrop
  };
  ui.dialog.onclose = () => {
    live.close();
    cancelAnimationFrame(frame);
    ui.dialog.remove();
    closed();
  };

  document.body.append(ui.root);
  ui.dialog.showModal();
  fill(device);
  live.connect();
  return { close: () => ui.dialog.close() };
}

function line(r) {
  const tr = el("tr", r.alarm ? "bad" : "");
  tr.append(
    el("td", "mono", timeOf(r.time)),
    el("td", "num", signed(r.temperature, 1)),
    el("td", "num", r.humidity.toFixed(1)),
    el("td", "num", signed(r.signal)),
  );
  const note = el("td", "log-note");
  if (r.event === "saved") note.append(el("span", "tag", t("live.saved", r.by)));
  else if (r.alarm) note.append(el("span", "tag bad", t("live.alarm")));
  tr.append(note);
  return tr;
}
