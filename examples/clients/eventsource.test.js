// EventSource, and the client, in a real Chromium.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { launch, open } from "./lib/page.js";
import { oneNode, until } from "./lib/stack.js";

let browser;
const it = oneNode(async ({ stack }) => {
  browser = await launch();
  stack.backend.file("/page", "text/html", "<!doctype html><title>page</title>");
});
after(() => browser?.close());

test("what is published once the stream is open arrives, line by line", async (t) => {
  const token = it.stack.backend.token("ann");
  const es = await (await open(t, browser, it.url, token)).stream("c:1", "msg:ann");
  const payloads = ['{"t": 21.5,\n"ok": true}\n', "退出", "", " leading", "data: x\n\nid: 7"];
  for (const p of payloads) assert.equal(await it.stack.redis.publish("c:1", p), 1);
  await it.stack.redis.publish("c:1", Buffer.from([0xff, 0]));
  assert.equal(await it.stack.redis.publish("user:ann", "joined"), 1);
  await until("all", async () => (await es.messages()).length === payloads.length + 1);
  assert.deepEqual(await es.log(), [["open"], ...payloads.map((p) => ["message", p]), ["binary", "/wA="], ["message", "joined"]]);
});

test("a stream that breaks off goes on where it was, over several channels", async (t) => {
  const page = await open(t, browser, it.url, it.stack.backend.token("bob"));
  const es = await page.stream("h:1", "h:2");
  const want = [[], []];
  let n = 0;
  const publish = async () => {
    const ch = n % 2;
    want[ch].push(`${ch} ${n++}`);
    await it.stack.redis.publish(`h:${ch + 1}`, want[ch].at(-1));
  };
  for (let cuts = 0; cuts < 3; cuts++) {
    for (let i = 0; i < 10; i++) await publish();
    it.proxy.cut();
    for (let i = 0; i < 5; i++) await publish(); // while it is away
    await until("it is back", async () => page.requests.length === cuts + 2);
    await until("all", async () => (await es.messages()).length >= n);
  }
  const got = await es.messages();
  for (const ch of [0, 1]) assert.deepEqual(got.filter((m) => m.startsWith(`${ch} `)), want[ch]);
  assert.ok(!(await es.log()).some(([type]) => type === "gap"));
  const ids = (await Promise.all(page.requests)).slice(1);
  assert.ok(ids.every((id) => id.includes(",")), `ids: ${ids}`);
});

test("a displaced page is told, and its EventSource ends without its help", async (t) => {
  const old = await open(t, browser, it.url, it.stack.backend.token("cid"));
  const es = await old.stream("c:2");
  const fresh = await (await open(t, browser, it.url, it.stack.backend.token("cid"))).stream("c:2");
  await until("the end", async () => (await es.state()) === 2, 20_000);
  assert.deepEqual(await es.log(), [
    ["open"],
    ["displaced", "loginOut"],
    ["close", '{"code":4501,"reason":"displaced","reconnect":false}'],
    ["error"],
    ["error"],
  ]);
  assert.deepEqual(await Promise.all(old.requests), ["", "end"]);
  await it.stack.redis.publish("c:2", "still here");
  await until("the newer login's", async () => (await fresh.messages()).includes("still here"));
});

test("the client that the site hands out works in a browser", async (t) => {
  const { page } = await open(t, browser, it.url, "");
  const [token, newer] = [it.stack.backend.token("dan"), it.stack.backend.token("dan")];
  const live = await page.evaluateHandle(async (tok) => {
    const { connect } = await import("/.wsgate/client.js");
    const log = [];
    const c = connect("/ws", { token: () => tok, watch: "msg:dan", onLogout: (reason) => log.push(["logout", reason]), onError: (e) => log.push(["error", e]) });
    c.subscribe("c:3", (m) => log.push(["data", m]));
    return { log };
  }, token);
  const log = () => live.evaluate((l) => l.log);
  await until("data", async () => {
    await it.stack.redis.publish("c:3", "x");
    return (await log()).some(([what]) => what === "data");
  });
  await page.evaluate((tok) => new Promise((resolve) => (new WebSocket(`/ws?token=${tok}`).onopen = resolve)), newer);
  await until("the farewell", async () => (await log()).some(([what, why]) => what === "logout" && why === "displaced"));
});
