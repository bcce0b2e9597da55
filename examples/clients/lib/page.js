// A page in a real Chromium that reads with EventSource.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { until } from "./stack.js";

const paths = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export function launch() {
  const executablePath = paths.find((p) => p && existsSync(p));
  assert.ok(executablePath, "no Chromium found: install it, or set CHROMIUM to its path");
  return chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"] });
}

/** Opens a page of the site's, whose browser has the token in a cookie. requests are the
 * promised Last-Event-IDs of its streams. */
export async function open(t, browser, url, token) {
  const context = await browser.newContext({ baseURL: url });
  t.after(() => context.close());
  await context.addCookies([{ name: "tok", value: token, url }]);
  const page = await context.newPage();
  const requests = [];
  page.on("request", (r) => {
    if (new URL(r.url()).pathname === "/events") requests.push(r.allHeaders().then((h) => h["last-event-id"] ?? ""));
  });
  await page.goto("/page");
  return { page, requests, stream: (...commands) => stream(page, commands) };
}

/** Opens an EventSource in the page; what it dispatches is in log. */
async function stream(page, commands) {
  const query = new URLSearchParams(commands.map((c) => ["channel", c]));
  const handle = await page.evaluateHandle((q) => {
    const es = new EventSource(`/events?${q}`);
    const log = [];
    for (const type of ["open", "error", "message", "binary", "gap", "displaced", "close"]) {
      es.addEventListener(type, (e) => log.push(e.data === undefined ? [type] : [type, e.data]));
    }
    return { es, log };
  }, String(query));
  const log = () => handle.evaluate((h) => h.log);
  const messages = async () => (await log()).filter(([type]) => type === "message").map(([, data]) => data);
  const state = () => handle.evaluate((h) => h.es.readyState);
  await until("the stream opens", async () => (await log()).some(([type]) => type === "open"));
  return { log, messages, state };
}
