// A real Chromium, and the page as a user has it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const paths = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const accounts = { admin: "admin123", alice: "alice123", bob: "bob123" };

export function launch() {
  const executablePath = paths.find((p) => p && existsSync(p));
  assert.ok(executablePath, "no Chromium found: install it, or set CHROMIUM to its path");
  return chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A browser profile of its own: cookies and localStorage shared by its tabs only. */
export async function profile(t, browser, url, options = {}) {
  const context = await browser.newContext({ baseURL: url, ...options });
  t.after(() => context.close());
  const errors = [];
  context.on("weberror", (e) => errors.push(e.error()));
  t.after(() => assert.deepEqual(errors, [], "errors thrown in the page"));
  context.setDefaultTimeout(10_000);
  return { tab: () => Tab.open(context) };
}

/** One tab, and every socket that it opened. */
export class Tab {
  sockets = [];

  static async open(context) {
    const tab = new Tab();
    tab.page = await context.newPage();
    tab.page.on("websocket", (ws) => {
      const s = { url: ws.url(), sent: [], received: [], closed: false };
      s.token = new URL(s.url).searchParams.get("token");
      s.whenClosed = new Promise((resolve) => ws.on("close", resolve)).then(() => { s.closed = true; });
      ws.on("framesent", (f) => s.sent.push(String(f.payload)));
      ws.on("framereceived", (f) => s.received.push(String(f.payload)));
      tab.sockets.push(s);
    });
    return tab;
  }

  ref = (name) => this.page.locator(`[data-ref="${name}"]`);

  /** The sockets whose first command is this one. */
  of = (command) => this.sockets.filter((s) => s.sent[0] === command);

  received = () => this.sockets.flatMap((s) => s.received);

  /** Fills in the login page, whoever is logged in, and waits for the list. */
  async login(name) {
    await this.page.goto("/#/login");
    await this.submit(name, accounts[name]);
    await this.ref("rows").waitFor();
  }

  async submit(name, password) {
    await this.page.fill("[name=username]", name);
    await this.page.fill("[name=password]", password);
    await this.ref("submit").click();
  }

  token = () => this.page.evaluate(() => localStorage.getItem("token"));

  /** Waits for the pill of the connection to say this; the header's is the first. */
  connection = (state, nth = 0) => this.page.locator(`.pill[data-state="${state}"]`).nth(nth).waitFor();

  /** Waits for the login page with a notice, and gives the notice. */
  async noticed() {
    await this.ref("notice").waitFor();
    return this.ref("noticeText").textContent();
  }

  async openDialog(id) {
    await this.page.locator(`[data-id="${id}"]`).click();
    await this.ref("dialog").waitFor();
  }

  /** Calls the API from within the page with this token; gives the body. */
  api = (path, token, method = "GET") =>
    this.page.evaluate(
      async ([p, t, m]) => {
        const res = await fetch(p, { method: m, headers: { Authorization: `Bearer ${t}` } });
        return { status: res.status, ...(await res.json()) };
      },
      [path, token, method],
    );
}

/** Polls until the condition holds. */
export async function until(what, condition, timeout = 10_000) {
  const end = performance.now() + timeout;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `not within ${timeout} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
