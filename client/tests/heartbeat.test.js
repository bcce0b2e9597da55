// Whether the other side is still there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "./lib/clock.js";
import { gateway } from "./lib/gateway.js";
import { browser, listener, page } from "./lib/page.js";
import { until } from "./lib/until.js";

test("an idle socket is asked, and lives while it answers", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const { client, messages } = page(t, gate.url, { watch: "msg:7" });
  const socket = await gate.socket();
  assert.equal(await socket.command(), "msg:7");
  for (let i = 0; i < 4; i++) {
    await clock.pass(20_000);
    assert.equal(await socket.command(), "ping");
    socket.send("pong");
    await socket.read();
    await clock.pass(5_000);
  }
  assert.deepEqual([messages, client.state, gate.all.length], [[], "open", 1]);
});

test("two misses in a row are the end of a socket, whose close event is not awaited", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const { client, messages } = page(t, gate.url, { watch: "msg:7" });
  const socket = await gate.socket();
  await clock.pass(20_000);
  await clock.pass(5_000);
  assert.deepEqual([await socket.command(), await socket.command(), await socket.command()], ["msg:7", "ping", "ping"]);
  socket.ws.pause(); // it will answer no close frame
  await clock.pass(5_000);
  await clock.pass(250);
  const next = await gate.socket();
  socket.ws.resume();
  assert.equal(await socket.closed, 4000);

  // Nothing of the old socket counts for the new one.
  assert.equal(await next.command(), "msg:7");
  next.send("pong");
  await next.read();
  assert.deepEqual(messages, ["pong"]);
  await clock.pass(20_000);
  await clock.pass(20_000);
  await clock.pass(5_000);
  assert.deepEqual([await next.command(), await next.command()], ["ping", "ping"]);
  assert.equal(client.state, "open");
});

test("one late answer is no miss", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  page(t, gate.url);
  const socket = await gate.socket();
  await clock.pass(20_000);
  await clock.pass(5_000);
  socket.send("pong", "pong");
  await socket.read();
  await clock.pass(5_000);
  await clock.pass(20_000);
  assert.deepEqual([await socket.command(), await socket.command(), await socket.command()], ["ping", "ping", "ping"]);
  assert.equal(gate.all.length, 1);
});

test("a message is as good as an answer", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const { messages } = page(t, gate.url, { watch: "msg:7" });
  const socket = await gate.socket();
  await socket.command();
  for (let i = 0; i < 3; i++) {
    socket.send("data");
    await socket.read();
    await clock.pass(20_000);
  }
  assert.equal(messages.length, 3);
  await clock.pass(20_000);
  assert.equal(await socket.command(), "ping");
});

test("a published pong beside the real one is delivered", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const { client } = page(t, gate.url);
  const one = listener();
  client.subscribe("a", one, { match: () => true });
  const socket = await gate.socket();
  assert.equal(await socket.command(), "a");
  await clock.pass(20_000);
  assert.equal(await socket.command(), "ping");
  socket.send("pong", "pong", "1");
  assert.deepEqual([await one.next(), await one.next()], ["pong", "1"]);
});

test("its texts and times are options, and false is none", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const heartbeat = { send: "heart", every: 1_000, reply: "heart" };
  const { messages } = page(t, gate.url, { heartbeat, watch: "w" });
  const socket = await gate.socket();
  await socket.command();
  await clock.pass(1_000);
  assert.equal(await socket.command(), "heart");
  socket.send("heart");
  await socket.read();
  assert.deepEqual(messages, []);

  const waits = clock.waits().length;
  const quiet = page(t, gate.url, { heartbeat: false });
  await gate.socket();
  await until("open", () => quiet.client.state === "open");
  assert.deepEqual(clock.waits().slice(waits), [20_000], "only that of the backoff");
});

test("a page that is looked at again asks at once", async (t) => {
  const { show } = browser(t);
  const gate = await gateway(t);
  const clock = new Clock(t);
  const { client } = page(t, gate.url);
  const socket = await gate.socket();
  await until("open", () => client.state === "open");
  socket.send("pong"); // what was heard before it slept says nothing
  await socket.read();
  show(false);
  show(true);
  assert.equal(await socket.command(), "ping");
  await clock.pass(5_000);
  await clock.pass(5_000);
  assert.equal(client.state, "connecting");
});

test("back online, nobody waits for the rest of the backoff", async (t) => {
  const { navigator, online, show } = browser(t);
  const gate = await gateway(t);
  const clock = new Clock(t);
  page(t, gate.url);
  const socket = await gate.socket();
  navigator.onLine = false;
  socket.ws.terminate();
  await until("the slow wait", () => clock.waits().includes(10_000));
  show(false);
  assert.ok(clock.waits().includes(10_000), "hidden is no reason");
  show(true);
  online();
  await clock.pass(250);
  await gate.socket();
  assert.equal(gate.all.length, 2);
});

test("an overloaded gateway is not called sooner", async (t) => {
  const { online } = browser(t);
  const gate = await gateway(t);
  const clock = new Clock(t);
  const { states } = page(t, gate.url);
  (await gate.socket()).close(1013);
  await until("the break", () => states.at(-1) === "connecting");
  online();
  assert.equal(clock.waits().includes(250), false);
  await clock.pass(15_000);
  await gate.socket();
});

test("after close no event is listened to", async (t) => {
  const { online, show } = browser(t);
  const gate = await gateway(t);
  const { client } = page(t, gate.url);
  const socket = await gate.socket();
  await until("open", () => client.state === "open");
  client.close();
  online();
  show(true);
  assert.equal(await socket.closed, 1000);
  assert.equal(gate.all.length, 1);
});
