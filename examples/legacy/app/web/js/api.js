// HTTP calls. The token lies in localStorage and goes with every call but the
// login itself; a body code of 401 means the login page.

import { signedOut } from "./main.js";
import { t, serverText } from "./i18n.js";

export class ApiError extends Error {}

async function call(method, path, body, anonymous = false) {
  const headers = {};
  const token = localStorage.getItem("token");
  if (token && !anonymous) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    const res = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    answer = await res.json();
  } catch {
    throw new ApiError(t("notice.failed"));
  }
  if (answer.code === 401) {
    signedOut("notice.expired");
    throw new ApiError(t("notice.expired"));
  }
  if (answer.code !== 200) throw new ApiError(serverText(answer.msg));
  return answer;
}

export const login = (username, password) => call("POST", "/login", { username, password }, true);
export const logout = () => call("POST", "/logout");
export const getInfo = () => call("GET", "/getInfo");
export const listDevices = () => call("GET", "/device/list");
export const getDevice = (id) => call("GET", `/device/${id}`);
export const saveDevice = (id, settings) => call("PUT", `/device/${id}`, settings);
