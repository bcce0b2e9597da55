// Every word on the page, in English and Chinese. The server speaks Chinese.

import { lang } from "./prefs.js";

const words = {
  "lang.other": ["中文", "English"],
  theme: ["Light or dark", "切换深浅色"],
  logout: ["Sign out", "退出登录"],
  edit: ["Edit", "编辑"],
  save: ["Save changes", "保存"],
  close: ["Close", "关闭"],
  saved: ["Saved", "保存成功"],
  savedBy: ["Settings saved by {0}", "{0} 已修改设置"],

  "login.title": ["Sign in", "登录"],
  "login.lead": ["Welcome back. Use your Fieldwatch account.", "欢迎回来，请使用您的账号登录。"],
  "login.claim": ["Every cold room, greenhouse and pump house, as it is right now.", "冷库、温室、泵房，实时掌握。"],
  "login.name": ["Account", "账号"],
  "login.password": ["Password", "密码"],
  "login.submit": ["Sign in", "登录"],
  "login.demo": ["Demo accounts", "演示账号"],
  "notice.displaced": [
    "Your account has signed in at another place. You have been signed out here.",
    "您的帐号在另一地点登录，您已被迫下线！！",
  ],
  "notice.expired": ["Your login is no longer valid. Please sign in again.", "登录状态已失效，请重新登录。"],
  "notice.failed": ["The server can't be reached.", "无法连接服务器。"],

  "devices.title": ["Devices", "设备管理"],
  "devices.summary": ["{0} of {1} shown", "显示 {0} / {1} 台"],
  "devices.search": ["Search devices", "搜索设备"],
  "devices.refresh": ["Refresh", "刷新"],
  "devices.none": ["No device matches.", "没有符合条件的设备。"],
  "tiles.devices": ["Devices", "设备"],
  "tiles.reporting": ["Reporting", "在线上报"],
  "tiles.alarm": ["In alarm", "报警中"],
  "tiles.battery": ["Lowest battery", "最低电量"],
  "col.device": ["Device", "设备"],
  "col.place": ["Place", "位置"],
  "col.state": ["State", "状态"],
  "col.temperature": ["Temperature", "温度"],
  "col.humidity": ["Humidity", "湿度"],
  "col.battery": ["Battery", "电量"],
  "col.signal": ["Signal", "信号"],
  "col.reported": ["Last report", "最近上报"],
  "col.time": ["Time", "时间"],
  "row.limit": ["alarm at {0}", "报警 {0}"],
  "row.ok": ["Normal", "正常"],
  "row.alarm": ["Alarm", "报警"],
  "row.off": ["Off", "停用"],

  "live.title": ["Live data", "实时数据"],
  "live.waiting": ["Waiting for the first report…", "等待数据上报…"],
  "live.count": ["{0} received", "已接收 {0} 条"],
  "live.alarm": ["alarm", "报警"],
  "live.saved": ["saved by {0}", "{0} 保存"],
  "edit.title": ["Settings", "设备设置"],
  "edit.name": ["Name", "设备名称"],
  "edit.location": ["Place", "安装位置"],
  "edit.interval": ["Report every (s)", "上报间隔（秒）"],
  "edit.alarmAt": ["Alarm at (°C)", "报警温度（°C）"],
  "edit.remark": ["Remark", "备注"],
  "edit.enabled": ["Reports data", "启用上报"],
  "edit.updated": ["Last changed by {0}, {1}", "{0} 最后修改于 {1}"],

  "state.idle": ["Offline", "未连接"],
  "state.connecting": ["Connecting…", "连接中…"],
  "state.open": ["Live", "已连接"],
  "state.retry": ["Reconnecting {0}/{1}", "正在重连 {0}/{1}"],
  "state.failed": ["Offline · retry", "连接失败 · 重试"],
};

// What the server says, for those who read English.
const server = {
  "用户不存在/密码错误": "Unknown account or wrong password.",
  "设备不存在": "This device does not exist.",
  "没有权限，请联系管理员授权": "You are not allowed to do this.",
  "设备名称长度必须在1到60个字符之间": "The name must have 1 to 60 characters.",
  "安装位置不能超过60个字符": "The place must not exceed 60 characters.",
  "上报间隔必须在1到60秒之间": "The interval must be 1 to 60 seconds.",
  "报警温度必须在-50到100之间": "The alarm temperature must be between -50 and 100.",
  "备注不能超过500个字符": "The remark must not exceed 500 characters.",
};

export function t(key, ...args) {
  const text = words[key]?.[lang() === "zh" ? 1 : 0] ?? key;
  return text.replace(/\{(\d)\}/g, (_, i) => args[i]);
}

export function serverText(msg) {
  return lang() === "zh" ? msg : server[msg] ?? msg;
}

/** Fills in the words of elements that carry data-i18n attributes. */
export function translate(root) {
  for (const e of root.querySelectorAll("[data-i18n]")) e.textContent = t(e.dataset.i18n);
  for (const e of root.querySelectorAll("[data-i18n-placeholder]")) e.placeholder = t(e.dataset.i18nPlaceholder);
  for (const e of root.querySelectorAll("[data-i18n-title]")) {
    e.title = t(e.dataset.i18nTitle);
    e.setAttribute("aria-label", e.title);
  }
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const timeOf = (iso) => (iso ? clock.format(new Date(iso)) : "–");
/** A number with a real minus sign. */
export const signed = (v, digits = 0) => v.toFixed(digits).replace("-", "−");
export const degrees = (v) => `${signed(v, 1)} °C`;
