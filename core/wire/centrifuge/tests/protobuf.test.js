// npm centrifuge in Protobuf, as the clients for Dart, Swift and Java speak.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Centrifuge } from "centrifuge/build/protobuf";
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

const text = (data) => Buffer.from(data).toString();

test("payloads arrive byte for byte, and pings keep the connection", async (t) => {
  const page = await client(t, node.port, { token: stack.backend.token("ann") }, Centrifuge).connect();
  assert.equal(page.sockets[0].protocol, "centrifuge-protobuf");
  const sub = await page.subscribe("c:ann");
  for (const payload of ['{"t": 21.5}', "退出", "", Buffer.from([0xff, 0])]) await stack.redis.publish("c:ann", payload);
  await sub.has(4);
  assert.deepEqual(sub.data.map((d) => Buffer.from(d).toString("hex")), ['{"t": 21.5}', "退出", "", "\xff\0"].map((p, i) => Buffer.from(p, i === 3 ? "latin1" : "utf8").toString("hex")));
  const room = await page.subscribe("room:1");
  await room.subscription.publish(new TextEncoder().encode("hello"));
  await room.has(1);
  assert.equal(text(room.data[0]), "hello");
  await assert.rejects(page.centrifuge.rpc("x", new Uint8Array()), { code: 108 });
  let pings = 0;
  page.sockets[0].on("message", (data) => data.byteLength === 1 && pings++);
  await until("three pings", () => pings > 2);
  assert.equal(page.got("connected").length, 1);
});

test("a cut connection recovers, in one channel with a page in JSON", async (t) => {
  const proxy = await startProxy(node.port);
  t.after(() => proxy.end());
  const page = await client(t, proxy.port, { token: stack.backend.token("ben") }, Centrifuge).connect();
  const other = await client(t, node.port, { token: stack.backend.token("bea") }).connect();
  const [sub, json] = [await page.subscribe("h:ben"), await other.subscribe("h:ben")];
  await stack.redis.publish("h:ben", "1");
  await sub.has(1);
  proxy.target = 0;
  proxy.cut();
  await sub.event("subscribing", 2);
  for (const n of ["2", "3"]) await stack.redis.publish("h:ben", n);
  proxy.target = node.port;
  assert.equal((await sub.event("subscribed", 2)).recovered, true);
  await Promise.all([sub.has(3), json.has(3)]);
  assert.deepEqual([sub.data.map(text), json.data], [["1", "2", "3"], [1, 2, 3]]);
});

test("a newer login ends this one for good, with a message", async (t) => {
  const old = await client(t, node.port, { token: stack.backend.token("cid") }, Centrifuge).connect();
  await client(t, node.port, { token: stack.backend.token("cid") }).connect();
  assert.equal((await old.event("disconnected")).code, 4501);
  assert.equal(text(old.got("message")[0].data), "loginOut");
});
