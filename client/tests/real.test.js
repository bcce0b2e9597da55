// The client and the real thing: Caddy with wsgate, Redis, the example backend.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startDemo } from "../../examples/browser/lib/stack.js";
import { listener, page } from "./lib/page.js";
import { until } from "./lib/until.js";

let stack;
before(async () => (stack = await startDemo()));
after(() => stack?.stop());

async function login(username, password) {
  const body = JSON.stringify({ username, password });
  const answer = await fetch(`${stack.url}/login`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const { token } = await answer.json();
  assert.ok(token);
  return token;
}

for (const query of [undefined, "token"]) {
  test(`data arrive, and a newer login ends the older one (token by ${query ?? "subprotocol"})`, async (t) => {
    const token = await login("alice", "alice123");
    const { client, logouts, errors, states, messages } = page(t, `${stack.url}/ws`, { token: () => token, query, watch: "msg:2" });
    const [own, shared, second] = [listener(), listener(), listener()];
    const isReport = (message) => typeof message === "string" && message.startsWith("{");
    const stop = client.subscribe("data_imei:1001", own);
    client.subscribe("data_imei:1001", second);
    client.subscribe("data_imei:1002", shared, { match: isReport });
    for (const data of await Promise.all([own.next(), second.next(), shared.next()])) JSON.parse(data);
    stop();
    JSON.parse(await second.next());
    client.subscribe("nonsense", assert.fail, { match: () => false });
    await until("the refusal", () => errors.length > 0);
    assert.deepEqual(errors, [{ code: "unknown_command", command: "nonsense" }]);

    const newer = await login("alice", "alice123");
    const other = page(t, `${stack.url}/ws`, { token: () => newer, query });
    await until("the newer login's socket", () => other.client.state === "open");
    await until("the end of the older", () => logouts.length > 0);
    assert.deepEqual([logouts, states, errors.length], [["displaced"], ["open", "closed"], 1]);
    assert.ok(messages.every(isReport), "no farewell among the messages");

    const late = page(t, `${stack.url}/ws`, { token: () => token, query });
    await until("the end of the late one", () => late.client.state === "closed");
    assert.deepEqual(late.logouts, ["displaced"]);
    assert.equal(other.client.state, "open");
  });
}

test("a token that is no good is an expired login", async (t) => {
  const { client, logouts } = page(t, `${stack.url}/ws`, { token: () => "nobody" });
  await until("the end", () => client.state === "closed");
  assert.deepEqual(logouts, ["expired"]);
});

test("heartbeats are answered", async (t) => {
  const token = await login("bob", "bob123");
  const heartbeat = { every: 20, within: 2_000 };
  const { client, messages, errors } = page(t, `${stack.url}/ws`, { token: () => token, watch: "msg:3", heartbeat });
  const { WebSocket } = globalThis;
  let pongs = 0;
  t.after(() => (globalThis.WebSocket = WebSocket));
  globalThis.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      this.on("message", (data) => (pongs += String(data) === "pong"));
    }
  };
  await until("three pongs", () => pongs >= 3);
  assert.deepEqual([client.state, messages, errors], ["open", [], []]);
});
