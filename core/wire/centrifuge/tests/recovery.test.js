// Connections and nodes that go away under npm centrifuge.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { client } from "./lib/client.js";
import { startProxy } from "./lib/proxy.js";
import { startStack } from "./lib/stack.js";
import { until } from "./lib/until.js";

let stack;
let node;
before(async () => {
  stack = await startStack();
  node = await stack.node();
});
after(() => stack?.end());

async function proxied(t, port, id) {
  const proxy = await startProxy(port);
  t.after(() => proxy.end());
  const page = await client(t, proxy.port, { token: stack.backend.token(id) }).connect();
  return { proxy, page };
}

test("a cut connection recovers every message, in order", async (t) => {
  const { proxy, page } = await proxied(t, node.port, "ann");
  const sub = await page.subscribe("h:ann");
  let n = 0;
  const publish = () => stack.redis.publish("h:ann", String(++n));
  for (let round = 1; round <= 5; round++) {
    for (let i = 0; i < 10; i++) await publish();
    proxy.target = 0;
    proxy.cut();
    await sub.event("subscribing", round + 1);
    for (let i = 0; i < 10; i++) await publish();
    proxy.target = node.port;
    const { wasRecovering, recovered } = await sub.event("subscribed", round + 1);
    assert.deepEqual([wasRecovering, recovered], [true, true]);
  }
  await sub.has(n);
  assert.deepEqual(sub.data, Array.from({ length: n }, (_, i) => i + 1));
});

test("what can't be recovered is said", async (t) => {
  const { proxy, page } = await proxied(t, node.port, "ben");
  const kept = await page.subscribe("h:ben");
  const bare = await page.subscribe("c:ben");
  await stack.redis.publish("h:ben", "0");
  await kept.has(1);
  proxy.target = 0;
  proxy.cut();
  await kept.event("subscribing", 2);
  for (let i = 1; i <= 1001; i++) await stack.redis.publish("h:ben", String(i)); // one more than is kept
  proxy.target = node.port;
  const { wasRecovering, recovered } = await kept.event("subscribed", 2);
  assert.deepEqual([wasRecovering, recovered], [true, false]);
  assert.equal((await bare.event("subscribed", 2)).recoverable, false);
  await stack.redis.publish("h:ben", "end");
  await until("what comes after it", () => kept.data.at(-1) === "end");
});

test("a node that stops hands its clients to another, where they recover everything", async (t) => {
  const [first, second] = await Promise.all([stack.node(), stack.node()]);
  const { proxy, page } = await proxied(t, first.port, "cid");
  const other = await client(t, second.port, { token: stack.backend.token("cyd") }).connect();
  const there = await other.subscribe("h:cid");
  const sub = await page.subscribe("h:cid");
  let n = 0;
  const publish = async (count) => {
    for (let i = 0; i < count; i++) await stack.redis.publish("h:cid", String(++n));
  };
  await publish(10);
  await sub.has(10);
  proxy.target = 0;
  const stopped = first.end();
  await sub.event("subscribing", 2);
  await stopped;
  await publish(10);
  proxy.target = second.port;
  const { wasRecovering, recovered } = await sub.event("subscribed", 2);
  assert.equal(wasRecovering, true);
  await publish(10);
  await until("the last message", () => sub.data.at(-1) === n);
  assert.equal(recovered, true, "both nodes have the same numbers");
  const all = Array.from({ length: n }, (_, i) => i + 1);
  assert.deepEqual(sub.data, all);
  await there.has(n);
  assert.deepEqual(there.data, all);
  assert.equal(page.got("disconnected").length, 0);
});

test("a node that starts again has its clients back", async (t) => {
  const restarted = await stack.node();
  const { proxy, page } = await proxied(t, restarted.port, "dan");
  const sub = await page.subscribe("c:dan");
  await restarted.end("SIGKILL");
  await page.event("connecting", 2);
  proxy.target = (await stack.node()).port;
  await sub.event("subscribed", 2);
  assert.equal(await stack.redis.publish("c:dan", "1"), 1);
  await sub.has(1);
});

test("a slow consumer is cut off with 4008, and comes back", async (t) => {
  const page = await client(t, node.port, { token: stack.backend.token("eve") }).connect();
  const sub = await page.subscribe("h:eve");
  const [socket] = page.sockets;
  socket.pause();
  const big = JSON.stringify("x".repeat(1 << 18));
  let n = 0;
  for (; n < 60; n++) await stack.redis.publish("h:eve", big); // over the queue and what the kernel takes
  socket.resume();
  assert.equal((await page.event("connecting", 2)).code, 4008);
  await page.event("connected", 2);
  assert.equal((await sub.event("subscribed", 2)).wasRecovering, true);
});
