// How the token gets there, and what the states are.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../wsgate.js";
import { Clock } from "./lib/clock.js";
import { gateway } from "./lib/gateway.js";
import { page } from "./lib/page.js";
import { until } from "./lib/until.js";

test("the token is a subprotocol, in base64url without padding", async (t) => {
  const gate = await gateway(t);
  const token = "a~~?>.b"; // has a + and a / in base64
  page(t, gate.url, { token: () => token });
  const { offered, url } = await gate.socket();
  assert.equal(offered, `wsgate,token.${Buffer.from(token).toString("base64url")}`);
  assert.equal(url, "/ws");
});

test("or a query parameter, beside those that are there", async (t) => {
  const gate = await gateway(t);
  page(t, `${gate.url}?a=1#part`, { token: async () => "x+y&z", query: "token" });
  const { offered, url } = await gate.socket();
  assert.equal(offered, undefined);
  assert.equal(url, "/ws?a=1&token=x%2By%26z");
});

test("without a getter nothing is sent, for a cookie may do it", async (t) => {
  const gate = await gateway(t);
  page(t, gate.url, { token: undefined, query: "token" });
  const { offered, url } = await gate.socket();
  assert.equal(offered, undefined);
  assert.equal(url, "/ws");
});

test("an address is relative to the page", async (t) => {
  const gate = await gateway(t);
  globalThis.location = { href: gate.url.replace("/ws", "/app/index.html") };
  t.after(() => delete globalThis.location);
  page(t, "/live");
  assert.equal((await gate.socket()).url, "/live");
});

test("what is no address is an error at once", () => {
  assert.throws(() => connect("/ws"), TypeError); // not in a page
});

test("the watch is sent, and the messages of the shared socket arrive", async (t) => {
  const gate = await gateway(t);
  const { client, messages, states } = page(t, gate.url, { watch: "msg:7" });
  assert.equal(client.state, "connecting");
  const socket = await gate.socket();
  assert.equal(await socket.command(), "msg:7");
  socket.send("welcome");
  await socket.read();
  assert.deepEqual(messages, ["welcome"]);
  assert.deepEqual(states, ["open"]);
});

for (const [name, none] of Object.entries({ null: null, undefined, empty: "" })) {
  test(`a getter without a token (${name}) is the end of the login`, async (t) => {
    const gate = await gateway(t);
    const { client, logouts, states } = page(t, gate.url, { token: async () => none });
    client.subscribe("a", () => {});
    await until("the end", () => client.state === "closed");
    assert.deepEqual([logouts, states, gate.all.length], [["ended"], ["closed"], 0]);
  });
}

test("a getter that fails is asked again", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const answers = [() => { throw new Error("no network"); }, () => "not in latin1: 令牌", () => "secret"];
  const { errors } = page(t, gate.url, { token: async () => answers.shift()() });
  await clock.pass(250);
  await clock.pass(500);
  await gate.socket();
  assert.deepEqual(errors.map((e) => e.code), ["token", "token"]);
  assert.equal(errors[0].cause.message, "no network");
});

test("close ends every socket and nothing is called", async (t) => {
  const gate = await gateway(t);
  const { client, logouts, states, errors } = page(t, gate.url);
  client.subscribe("a", assert.fail);
  const [one, two] = [await gate.socket(), await gate.socket()];
  await until("open", () => client.state === "open");
  await Promise.any([one.command(), two.command()]);
  client.close();
  client.close();
  assert.deepEqual([await one.closed, await two.closed], [1000, 1000]);
  assert.deepEqual([logouts, errors, states], [[], [], ["open", "closed"]]);
  client.subscribe("a", assert.fail)();
  assert.equal(gate.all.length, 2);
});

test("close before the token is there opens nothing", async (t) => {
  const gate = await gateway(t);
  let answer;
  const { client } = page(t, gate.url, { token: () => new Promise((resolve) => (answer = resolve)) });
  client.close();
  answer("secret");
  const other = page(t, gate.url, { token: () => "other" });
  await until("the other", () => other.client.state === "open");
  assert.equal(gate.all.length, 1);
});

test("a handshake that hangs is given up", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const { WebSocket } = globalThis;
  t.after(() => (globalThis.WebSocket = WebSocket));
  const closed = [];
  globalThis.WebSocket = class {
    close = (code) => closed.push(code);
  };
  page(t, gate.url);
  await clock.pass(15_000);
  assert.deepEqual(closed, [4000]);
  globalThis.WebSocket = WebSocket;
  await clock.pass(250);
  await gate.socket();
});
