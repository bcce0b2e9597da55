// The example's page behind the gateway, as people use it: two browsers, two
// tabs, dialogs, logout.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, profile, until } from "./lib/browser.js";
import { startDemo } from "./lib/stack.js";

const displacedText = /signed in at another place/;

let browser;
let stack;

before(async () => {
  [stack, browser] = await Promise.all([startDemo(), launch()]);
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

/** A profile with one tab that is logged in and connected. */
async function loggedIn(t, name) {
  const p = await profile(t, browser, stack.url);
  const tab = await p.tab();
  await tab.login(name);
  await tab.connection("open");
  return { ...p, tabOf: p.tab, tab };
}

test("a login elsewhere shows the first browser the login page within a second", async (t) => {
  const { tab: first } = await loggedIn(t, "admin");
  await first.openDialog(1001);
  await first.connection("open", 1);
  const old = await first.token();
  const mine = first.sockets.slice();
  assert.equal(mine.length, 2, "one socket for the login, one for the dialog");

  // Timed by the browsers themselves: from the new login's first request with its
  // token, which is when a gateway can know of it, to the notice on the old screen.
  const shown = first.page.evaluate(
    () =>
      new Promise((resolve) => {
        new MutationObserver((_, o) => {
          if (!document.querySelector('[data-ref="notice"]:not([hidden])')) return;
          o.disconnect();
          resolve(Date.now());
        }).observe(document.body, { childList: true, subtree: true });
      }),
  );
  const second = await (await profile(t, browser, stack.url)).tab();
  const requested = second.page.waitForEvent("requestfinished", (r) => r.url().endsWith("/getInfo"));
  await second.login("admin");
  const took = (await shown) - (await requested).timing().startTime;
  t.diagnostic(`login page after ${Math.round(took)} ms`);
  assert.ok(took < 1000, `the login page came after ${took} ms`);

  assert.match(await first.noticed(), displacedText);
  assert.equal(await first.token(), null);
  await Promise.all(mine.map((s) => s.whenClosed));
  assert.deepEqual(mine[0].received, ["loginOut"]);
  for (const s of mine) {
    assert.ok(s.received.filter((m) => m === "loginOut").length <= 1, "told twice");
  }

  const refused = await second.api("/getInfo", old);
  assert.deepEqual([refused.status, refused.code], [200, 401]);
  assert.ok(refused.msg);
  assert.equal((await second.api("/device/list", old)).code, 401);
  assert.equal((await second.api("/getInfo", await second.token())).code, 200);
  await second.connection("open");
  assert.deepEqual(second.received(), []);
});

test("five reconnects of the displaced login do not kick the new one", async (t) => {
  const { tab: first } = await loggedIn(t, "alice");
  const old = await first.token();
  const { tab: second } = await loggedIn(t, "alice");
  await first.noticed();

  // A page that goes on with the token it has, two seconds apart.
  const returns = await first.page.evaluate(
    (token) =>
      new Promise((resolve) => {
        const seen = [];
        const connect = () => {
          const ws = new WebSocket(`ws://${location.host}/ws?token=${token}`);
          const texts = [];
          ws.onopen = () => ws.send("msg:2");
          ws.onmessage = (e) => texts.push(e.data);
          ws.onclose = (e) => {
            seen.push({ code: e.code, texts });
            if (seen.length === 5) resolve(seen);
            else setTimeout(connect, 2000);
          };
        };
        connect();
      }),
    old,
  );
  for (const r of returns) assert.deepEqual(r, { code: 4501, texts: ["loginOut"] });
  assert.equal(second.sockets.length, 1, "the new login had to reconnect");
  assert.equal(second.sockets[0].closed, false);
  assert.deepEqual(second.received(), []);
  assert.equal((await second.api("/getInfo", await second.token())).code, 200);
});

test("logging in again in a second tab of one browser harms nobody", async (t) => {
  const { tab: one, tabOf } = await loggedIn(t, "bob");
  const old = await one.token();
  const two = await tabOf();
  await two.login("bob");
  await two.connection("open");
  const token = await two.token();
  assert.notEqual(token, old);

  // The first tab's socket is closed without a word, and comes back by itself.
  await until("the first tab is back with the new token", () => one.sockets.some((s) => s.token === token && s.sent[0] === "msg:3"));
  await one.connection("open");
  assert.equal(one.sockets[0].closed, true);
  for (const tab of [one, two]) {
    await tab.ref("refresh").click();
    await tab.openDialog(1008);
    await until("device data arrive", async () => (await tab.ref("log").locator("tr").count()) >= 2);
    await tab.ref("cancel").click();
    await tab.connection("open");
    assert.ok(!tab.received().includes("loginOut"), "a tab of the same browser was told to log out");
    assert.equal(await tab.token(), token);
  }
  assert.equal(two.of("msg:3").length, 1, "the new login was displaced");

  // Another browser, though, displaces both.
  await loggedIn(t, "bob");
  for (const tab of [one, two]) assert.match(await tab.noticed(), displacedText);
});

test("who was displaced can log in again, and then it is the other's turn", async (t) => {
  const { tab: one } = await loggedIn(t, "alice");
  const { tab: two } = await loggedIn(t, "alice");
  assert.match(await one.noticed(), displacedText);
  await one.login("alice");
  assert.match(await two.noticed(), displacedText);
  await one.connection("open");
  assert.equal((await one.api("/getInfo", await one.token())).code, 200);
});

test("dialog data arrive, and stop when the dialog is closed", async (t) => {
  const { tab } = await loggedIn(t, "alice");
  const { tab: witness } = await loggedIn(t, "admin");
  for (const one of [tab, witness]) {
    await one.openDialog(1003);
    await until("device data arrive", async () => (await one.ref("log").locator("tr").count()) >= 3);
  }
  const [dialog] = tab.of("data_imei:1003");
  const reports = dialog.received.map((m) => JSON.parse(m));
  assert.ok(reports.every((r) => r.id === 1003), "data of another device");
  const seqs = reports.map((r) => r.seq);
  assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i), "a report is missing, doubled or out of order");

  await tab.ref("cancel").click();
  await dialog.whenClosed;
  const before = tab.received().length;
  const [other] = witness.of("data_imei:1003");
  const seen = other.received.length;
  await until("the other browser gets more", () => other.received.length >= seen + 3);
  assert.equal(tab.received().length, before, "data after the dialog was closed");
  assert.equal(tab.of("data_imei:1003").length, 1, "the dialog's socket came back");
  assert.equal(tab.sockets.filter((s) => !s.closed).length, 1);
  await tab.connection("open");

  // Opened again, on another device, it shows that one.
  await tab.openDialog(1004);
  await until("the other device's data", async () => (await tab.ref("log").locator("tr").count()) >= 1);
  assert.ok(tab.of("data_imei:1004")[0].received.every((m) => JSON.parse(m).id === 1004));
});

test("who looks at a device sees that another has saved it", async (t) => {
  const { tab: alice } = await loggedIn(t, "alice");
  const { tab: admin } = await loggedIn(t, "admin");
  for (const tab of [alice, admin]) {
    await tab.openDialog(1002);
    await tab.connection("open", 1);
    await until("device data arrive", async () => (await tab.ref("log").locator("tr").count()) >= 1);
  }
  const name = `Cold room ${Date.now() % 1000}`;
  await admin.page.fill("[name=name]", name);
  await admin.ref("save").click();
  await alice.page.locator("#dialog-title", { hasText: name }).waitFor();
  await alice.page.locator(".log .tag", { hasText: "saved by admin" }).waitFor();
});

test("after a logout the token and its sockets are dead, and one can log in again", async (t) => {
  const { tab } = await loggedIn(t, "bob");
  const old = await tab.token();
  const [socket] = tab.sockets;
  await tab.ref("logout").click();
  await tab.ref("form").waitFor();
  await socket.whenClosed;
  assert.equal(await tab.token(), null);
  assert.equal((await tab.api("/getInfo", old)).code, 401);
  await tab.login("bob");
  await tab.connection("open");
  assert.ok(!tab.received().includes("loginOut"));
});

test("accounts do not disturb each other", async (t) => {
  const tabs = [];
  for (const name of ["admin", "alice", "bob"]) tabs.push((await loggedIn(t, name)).tab);
  for (const tab of tabs) {
    await tab.ref("refresh").click();
    await tab.page.locator("[data-id]").first().waitFor();
    assert.equal(tab.sockets.length, 1);
    assert.equal(tab.sockets[0].closed, false);
    assert.deepEqual(tab.received(), []);
  }
});
