// What a page does with npm centrifuge, against Caddy, Redis and a backend.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Centrifuge, UnauthorizedError } from "centrifuge";
import { client } from "./lib/client.js";
import { startStack } from "./lib/stack.js";
import { until } from "./lib/until.js";

let stack;
let node;
before(async () => {
  stack = await startStack();
  node = await stack.node();
});
after(() => stack?.end());

const login = (t, id, options) => client(t, node.port, { token: stack.backend.token(id), ...options }).connect();

test("what is published after `subscribed` arrives, as JSON, text or base64", async (t) => {
  const page = await login(t, "ann");
  const sub = await page.subscribe("c:1");
  for (const payload of ['{"t": 21.5,\n"ok": true}', "[1,2]", "退出", "", Buffer.from([0xff, 0])]) {
    assert.equal(await stack.redis.publish("c:1", payload), 1);
  }
  await sub.has(5);
  assert.deepEqual(sub.data, [{ t: 21.5, ok: true }, [1, 2], "退出", "", "/wA="]);
  sub.subscription.unsubscribe();
  await page.centrifuge.rpc("barrier").catch(() => {});
  await stack.redis.publish("c:1", "nobody's");
  const again = await page.subscribe("c:2");
  await stack.redis.publish("c:2", "end");
  await again.has(1);
  assert.equal(sub.data.length, 5);
});

test("a page subscribes to its account, and to no other's", async (t) => {
  const page = await login(t, "bob");
  await page.subscribe("msg:bob");
  for (const [channel, code] of [["msg:ann", 103], ["nonsense", 102]]) {
    const sub = page.centrifuge.newSubscription(channel);
    const gone = new Promise((resolve) => sub.once("unsubscribed", resolve));
    sub.subscribe();
    assert.equal((await gone).code, code);
  }
});

test("clients publish where the rule says so", async (t) => {
  const [ann, ben] = [await login(t, "ann2"), await login(t, "ben2")];
  const [a, b] = [await ann.subscribe("room:1"), await ben.subscribe("room:1")];
  await a.subscription.publish({ hello: "ben" });
  await ben.centrifuge.publish("room:1", "hi");
  await Promise.all([a.has(2), b.has(2)]);
  assert.deepEqual(new Set(a.data.map(JSON.stringify)), new Set(['{"hello":"ben"}', '"hi"']));
  await assert.rejects(ann.centrifuge.publish("c:1", 1), { code: 103 });
  await assert.rejects(ann.centrifuge.publish("nonsense", 1), { code: 102 });
});

test("what is not there is refused with the protocol's error", async (t) => {
  const page = await login(t, "cid");
  const sub = await page.subscribe("c:1");
  await assert.rejects(page.centrifuge.rpc("x", {}), { code: 108 });
  await assert.rejects(sub.subscription.presence(), { code: 108 });
  await assert.rejects(sub.subscription.presenceStats(), { code: 108 });
  await assert.rejects(sub.subscription.history({ limit: 1 }), { code: 108 });
  const kept = await page.subscribe("h:cid");
  await stack.redis.publish("h:cid", "1");
  await kept.has(1);
  const { publications, offset } = await kept.subscription.history({ limit: 10 });
  assert.deepEqual([publications.map((p) => p.data), offset], [[1], 1]);
  assert.equal((await kept.subscription.history({ limit: 0 })).publications.length, 0);
});

test("commands go in one frame", async (t) => {
  const page = await login(t, "dan");
  const sent = [];
  const [socket] = page.sockets;
  const send = socket.send.bind(socket);
  socket.send = (text) => {
    sent.push(text);
    send(text);
  };
  page.centrifuge.startBatching();
  const subs = Array.from({ length: 100 }, (_, i) => page.centrifuge.newSubscription(`c:${i}`));
  for (const s of subs) s.subscribe();
  page.centrifuge.stopBatching();
  await Promise.all(subs.map((s) => s.ready(10_000)));
  assert.equal(sent.filter((text) => text.includes("subscribe")).length, 1);
  const heard = subs.map((s) => new Promise((resolve) => s.once("publication", resolve)));
  for (let i = 0; i < 100; i++) await stack.redis.publish(`c:${i}`, `${i}`);
  assert.deepEqual((await Promise.all(heard)).map((p) => p.data), Array.from({ length: 100 }, (_, i) => i));
});

test("the site's choice of channels is there from the start", async (t) => {
  const page = await login(t, "eve");
  assert.equal((await page.event("subscribed")).channel, "user:eve");
  await stack.redis.publish("user:eve", "1");
  assert.deepEqual((await page.event("publication")).data, 1);
});

test("pings keep an idle connection", async (t) => {
  const page = await login(t, "fay", { maxServerPingDelay: 500 });
  let pings = 0;
  page.sockets[0].on("message", (data) => String(data) === "{}" && pings++);
  await until("three pings", () => pings > 2);
  assert.equal(page.got("connected").length, 1);
  assert.equal(page.centrifuge.state, "connected");
});

test("a token that ends soon is refreshed on the socket", async (t) => {
  const first = stack.backend.token("gil", { life: 3_000 });
  let asked = 0;
  const page = await client(t, node.port, {
    token: first,
    getToken: async () => {
      asked++;
      return stack.backend.refreshed(first, 3_600_000);
    },
  }).connect();
  const sub = await page.subscribe("c:gil");
  await until("the refresh", () => asked > 0);
  const ended = Date.now() + 3_000;
  await until("the old token's end, and a second", () => Date.now() > ended + 1_000);
  await stack.redis.publish("c:gil", "1");
  await sub.has(1);
  assert.deepEqual([asked, page.sockets.length, page.got("connected").length], [1, 1, 1]);
});

test("a token that has expired is asked for anew", async (t) => {
  const page = await client(t, node.port, {
    token: stack.backend.token("hal", { life: -1 }),
    getToken: async () => stack.backend.token("hal"),
  }).connect();
  assert.equal(page.got("error", (e) => e.error.code === 109).length, 1);
  const without = client(t, node.port, { token: "nobody" });
  without.centrifuge.connect();
  assert.equal((await without.event("disconnected")).reason, "unauthorized");
  const none = client(t, node.port, {
    getToken: async () => {
      throw new UnauthorizedError("");
    },
  });
  none.centrifuge.connect();
  await none.event("disconnected");
});

test("no token is final", async (t) => {
  const page = client(t, node.port, {});
  page.centrifuge.connect();
  const { code, reason } = await page.event("disconnected");
  assert.deepEqual([code, reason, page.sockets.length], [4504, "no token", 1]);
});

test("a newer login ends this one for good, with a message", async (t) => {
  const old = await login(t, "ida");
  const sub = await old.subscribe("c:ida");
  const fresh = await login(t, "ida");
  assert.equal((await old.event("disconnected")).code, 4501);
  assert.deepEqual(old.got("message").map((m) => m.data), ["loginOut"]);
  assert.equal(old.centrifuge.state, Centrifuge.State.Disconnected);
  await fresh.subscribe("c:ida");
  await stack.redis.publish("c:ida", "1");
  await stack.redis.publish("user:ida", "1");
  await fresh.event("publication");
  assert.deepEqual([old.sockets.length, sub.data], [1, []], "it stays away, and hears nothing");
  // One that insists is told again.
  old.centrifuge.connect();
  assert.equal((await old.event("disconnected", 2)).code, 4501);
  assert.equal(old.got("message").length, 2);
});

test("a second tab of the same login harms nobody", async (t) => {
  const token = stack.backend.token("jan");
  const tabs = [await client(t, node.port, { token }).connect(), await client(t, node.port, { token }).connect()];
  const subs = await Promise.all(tabs.map((tab) => tab.subscribe("c:jan")));
  await stack.redis.publish("c:jan", "1");
  await Promise.all(subs.map((s) => s.has(1)));
});

test("what breaks the protocol is final", async (t) => {
  const page = await login(t, "kim");
  await page.centrifuge.send({ hello: 1 });
  assert.equal((await page.event("disconnected")).code, 3508);
  assert.equal(page.sockets.length, 1);
});
