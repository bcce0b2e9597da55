// Close codes, and how a line comes back.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Clock } from "./lib/clock.js";
import { gateway } from "./lib/gateway.js";
import { listener, page } from "./lib/page.js";
import { until } from "./lib/until.js";

/** The table that clients are promised. */
const promised = [...readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8").matchAll(/^\| ([\d, ]+) \|.*\| (yes|no)\b(.*) \|$/gm)]
  .flatMap(([, codes, reconnect, how]) => codes.split(", ").map((code) => [Number(code), reconnect === "yes", how]))
  .filter(([code]) => code >= 1000);

const reasons = { 4501: "displaced", 4503: "kicked", 4504: "expired", 4505: "denied", 4599: "ended", 4999: "ended" };

test("the table was found", () => assert.ok(promised.length >= 13, `${promised.length} codes`));

for (const [code, reconnect, how] of [...promised, [4000, true, ""], [4499, true, ""], [4599, false, ""], [4999, false, ""]]) {
  test(`${code}: ${reconnect ? `comes back${how}` : "is final"}`, async (t) => {
    const gate = await gateway(t);
    const clock = new Clock(t);
    const { client, states, logouts, errors } = page(t, gate.url);
    const socket = await gate.socket();
    await until("open", () => client.state === "open");
    socket.close(code);
    if (reconnect) {
      await clock.pass(how.includes("slowly") ? 15_000 : 250);
      await gate.socket();
      await until("open again", () => client.state === "open");
      assert.deepEqual([states, logouts, errors], [["open", "connecting", "open"], [], []]);
      return;
    }
    await until("the end", () => client.state === "closed");
    const reason = reasons[code];
    assert.deepEqual(logouts, reason ? [reason] : []);
    assert.deepEqual(errors, reason ? [] : [{ code: "closed", close: code }]);
    assert.deepEqual(states, ["open", "closed"]);
  });
}

test("the end of the login is told once, and ends every socket", async (t) => {
  const gate = await gateway(t);
  const { client, logouts, messages } = page(t, gate.url, { watch: "home" });
  client.subscribe("a", assert.fail);
  client.subscribe("b", assert.fail);
  const sockets = [await gate.socket(), await gate.socket(), await gate.socket()];
  for (const socket of sockets) await socket.command();
  for (const socket of sockets) {
    socket.send("loginOut");
    socket.close(4501);
  }
  await Promise.all(sockets.map((socket) => socket.closed));
  assert.deepEqual([logouts, messages, client.state], [["displaced"], [], "closed"]);
});

test("a farewell text that somebody published is a message, in its place", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const { client, logouts } = page(t, gate.url, { farewell: ["bye", "loginOut"] });
  const one = listener();
  client.subscribe("a", one, { match: () => true });
  const socket = await gate.socket();
  socket.send("loginOut", "1", "bye");
  assert.deepEqual([await one.next(), await one.next()], ["loginOut", "1"]);
  await clock.pass(2_000);
  assert.equal(await one.next(), "bye");
  socket.send("bye");
  socket.close(4008);
  assert.equal(await one.next(), "bye");
  await clock.pass(250);
  await gate.socket();
  assert.deepEqual(logouts, []);
});

test("waits grow by two up to the bound, and begin anew after a good while", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  page(t, gate.url);
  const refuse = async (wait) => {
    (await gate.socket()).close(1012);
    await clock.pass(wait);
  };
  for (const wait of [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) await refuse(wait);
  const socket = await gate.socket();
  await clock.pass(20_000); // open for maxDelay
  socket.close(1012);
  await clock.pass(250);
  await gate.socket();
});

test("jitter is full: the wait may be anything from nothing to the bound", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t, 0);
  page(t, gate.url, { minDelay: 1_000, maxDelay: 1_000 });
  for (const [random, wait] of [[0, 0], [0.25, 250], [0.999, 999]]) {
    t.mock.method(Math, "random", () => random);
    (await gate.socket()).close(1001);
    await clock.pass(wait);
  }
  await gate.socket();
});

test("4002 comes back with the token that is there by then", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  let stored = "old";
  const asked = [];
  const token = (ask) => (asked.push(ask), stored);
  page(t, gate.url, { token, query: "token" });
  const socket = await gate.socket();
  stored = "new";
  socket.close(4002);
  await clock.pass(250);
  assert.equal((await gate.socket()).url, "/ws?token=new");
  assert.deepEqual(asked, [{ refresh: false }, { refresh: false }]);
});

test("4005 on several sockets refreshes once", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  let version = 1;
  const asked = [];
  const token = async ({ refresh }) => {
    asked.push(refresh);
    if (refresh) version++;
    return `v${version}`;
  };
  const { client } = page(t, gate.url, { token, query: "token", watch: "home" });
  client.subscribe("a", () => {});
  client.subscribe("b", () => {});
  const sockets = [await gate.socket(), await gate.socket(), await gate.socket()];
  for (const socket of sockets) await socket.command();
  assert.deepEqual(asked, [false], "three lines, one question");
  sockets[0].close(4005);
  sockets[1].close(4005);
  await until("both", () => clock.waits().filter((ms) => ms === 250).length === 2);
  clock.advance(250);
  for (let i = 0; i < 2; i++) assert.equal((await gate.socket()).url, "/ws?token=v2");
  sockets[2].close(4005); // late, with the token before
  await clock.pass(250);
  assert.equal((await gate.socket()).url, "/ws?token=v2");
  assert.deepEqual(asked, [false, true, false]);
});

test("a refresh that failed is asked for again", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const asked = [];
  const token = async ({ refresh }) => {
    asked.push(refresh);
    if (asked.length === 2) throw new Error("no network");
    return "v";
  };
  page(t, gate.url, { token });
  (await gate.socket()).close(4005);
  await clock.pass(250);
  await clock.pass(500);
  await gate.socket();
  assert.deepEqual(asked, [false, true, true]);
});

test("a refused handshake is tried again for ever", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  let refusals = 3;
  gate.admit = (answer) => answer(refusals-- <= 0, 503);
  const { client, errors } = page(t, gate.url);
  for (const wait of [250, 500, 1_000]) await clock.pass(wait);
  await gate.socket();
  await until("open", () => client.state === "open");
  assert.deepEqual(errors, []);
});
