// npm centrifuge in a page, in a real browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { browse } from "./lib/chromium.js";
import { client } from "./lib/client.js";
import { startStack } from "./lib/stack.js";
import { until } from "./lib/until.js";

const page = (token) => `<!doctype html><meta charset="utf-8"><script src="/centrifuge.js"></script><script>
  let last; // one after the other, to arrive in order
  const tell = (name, what) => (last = Promise.resolve(last).then(() =>
    fetch("/tell", { method: "POST", body: JSON.stringify({ name, ...what }) })));
  onerror = (message) => { tell("thrown", { message }) };
  const centrifuge = new Centrifuge("ws://" + location.host + "/live", { token: "${token}", minReconnectDelay: 20 });
  for (const name of ["connecting", "connected", "disconnected", "message"])
    centrifuge.on(name, ({ code, reason, data }) => tell(name, { code, reason, data }));
  const sub = centrifuge.newSubscription("h:page");
  sub.on("subscribed", ({ recovered }) => tell("subscribed", { recovered }));
  sub.on("publication", ({ data }) => tell("publication", { data }));
  sub.subscribe();
  centrifuge.connect();
</script>`;

test("a page in Chromium receives, and is told of its end", async (t) => {
  const stack = await startStack();
  t.after(() => stack.end());
  const { backend, redis } = stack;
  const node = await stack.node();
  backend.file("/centrifuge.js", "text/javascript", readFileSync(new URL("node_modules/centrifuge/dist/centrifuge.js", import.meta.url)));
  backend.file("/", "text/html", page(backend.token("zoe")));
  await browse(t, `http://127.0.0.1:${node.port}/`);
  const told = (name, n = 1) => until(`${name} ${n} of ${JSON.stringify(backend.told)}`, () => backend.told.filter((e) => e.name === name)[n - 1], 60_000);

  await told("subscribed");
  assert.equal(await redis.publish("h:page", '{"t":21.5}'), 1);
  assert.deepEqual((await told("publication")).data, { t: 21.5 });
  await redis.publish("h:page", "退出");
  assert.equal((await told("publication", 2)).data, "退出");

  await client(t, node.port, { token: backend.token("zoe") }).connect(); // a login elsewhere
  assert.equal((await told("message")).data, "loginOut");
  const { code, reason } = await told("disconnected");
  assert.deepEqual([code, reason], [4501, "displaced"]);
  assert.deepEqual(backend.told.filter((e) => ["thrown", "connecting"].includes(e.name)).length, 1, "it threw nothing, and stays away");
});
