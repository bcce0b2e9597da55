// The example by itself, without a gateway and without Redis: sockets fail and
// are tried again, everything else works.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, profile, until } from "./lib/browser.js";
import { start } from "./lib/stack.js";

let browser;
let stack;

before(async () => {
  [stack, browser] = await Promise.all([
    start("./examples/legacy", "-listen", "127.0.0.1:0", "-redis", "redis://127.0.0.1:1"),
    launch(),
  ]);
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

test("a wrong password is refused in words", async (t) => {
  const tab = await (await profile(t, browser, stack.url)).tab();
  await tab.page.goto("/");
  await tab.submit("admin", "wrong");
  assert.equal(await tab.noticed(), "Unknown account or wrong password.");
  assert.equal(await tab.token(), null);
});

test("without a gateway the sockets fail, five retries, and the rest works", async (t) => {
  const tab = await (await profile(t, browser, stack.url)).tab();
  await tab.page.clock.install({ time: 0 });
  await tab.page.goto("/");
  await tab.page.clock.pauseAt(60_000);
  await tab.login("admin");
  assert.equal(await tab.page.locator("[data-id]").count(), 12);
  for (let retry = 1; retry <= 5; retry++) {
    await until(`retry ${retry} announced`, async () => (await tab.ref("stateText").textContent()) === `Reconnecting ${retry}/5`);
    const opened = tab.sockets.length;
    await tab.page.clock.runFor(1990);
    assert.equal(tab.sockets.length, opened, "tried again before two seconds were over");
    await tab.page.clock.runFor(20);
    await until("tried again", () => tab.sockets.length === opened + 1);
  }
  await tab.connection("failed");
  await tab.page.clock.runFor(60_000);
  assert.equal(tab.sockets.length, 6);

  await tab.openDialog(1001);
  await tab.page.fill("[name=name]", "Cold room one");
  await tab.ref("save").click();
  await tab.page.locator(".toast.good").waitFor();
  assert.equal(await tab.ref("title").textContent(), "Cold room one");
  await tab.ref("cancel").click();
  await tab.page.locator(".c-device b", { hasText: "Cold room one" }).waitFor();

  const token = await tab.token();
  await tab.ref("logout").click();
  await tab.ref("form").waitFor();
  assert.equal(await tab.token(), null);
  assert.equal((await tab.api("/getInfo", token)).code, 401);
});

test("an account sees only the devices of its department", async (t) => {
  const tab = await (await profile(t, browser, stack.url)).tab();
  await tab.login("bob");
  await tab.page.locator("[data-id]").first().waitFor();
  assert.equal(await tab.page.locator("[data-id]").count(), 5);
  assert.equal((await tab.api("/device/1001", await tab.token())).code, 403);
});

test("a body code of 401 leads to the login page", async (t) => {
  const tab = await (await profile(t, browser, stack.url)).tab();
  await tab.login("alice");
  await tab.page.evaluate(() => localStorage.setItem("token", "x.y.z"));
  await tab.ref("refresh").click();
  assert.match(await tab.noticed(), /no longer valid/);
  assert.equal(await tab.token(), null);
});

test("the dialog lists no more than 500 of what it received", async (t) => {
  const tab = await (await profile(t, browser, stack.url)).tab();
  await tab.page.routeWebSocket("**/ws?*", (ws) =>
    ws.onMessage((command) => {
      if (command !== "data_imei:1001") return;
      ws.send("not JSON");
      for (let seq = 1; seq <= 620; seq++) {
        const report = { id: 1001, event: "report", seq, time: "2026-01-01T00:00:00Z", temperature: seq / 100, humidity: 50, battery: 90, signal: -70, alarm: false };
        ws.send(JSON.stringify(report));
      }
    }),
  );
  await tab.login("alice");
  await tab.openDialog(1001);
  await until("all received", async () => (await tab.ref("count").textContent()) === "620 received");
  assert.equal(await tab.ref("log").locator("tr").count(), 500);
  assert.equal(await tab.ref("dialog").locator(".now-main").textContent(), "6.2°C");
});

test("language and theme are kept, also over a logout", async (t) => {
  const tab = await (await profile(t, browser, stack.url, { colorScheme: "light" })).tab();
  await tab.login("alice");
  await tab.ref("lang").click();
  await tab.ref("theme").click();
  await tab.page.locator("h1", { hasText: "设备管理" }).waitFor();
  await tab.ref("logout").click();
  await tab.page.locator("h1", { hasText: "登录" }).waitFor();
  await tab.page.reload();
  await tab.page.locator("h1", { hasText: "登录" }).waitFor();
  assert.equal(await tab.page.locator("html").getAttribute("data-theme"), "dark");
});
