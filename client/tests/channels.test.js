// Who listens to what, on which socket.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "./lib/clock.js";
import { gateway } from "./lib/gateway.js";
import { listener, page } from "./lib/page.js";
import { until } from "./lib/until.js";

/** The sockets of a page by their first command; the home line sends its watch. */
async function lines(gate, count) {
  const found = {};
  for (let i = 0; i < count; i++) {
    const socket = await gate.socket();
    found[await socket.command()] = socket;
  }
  return found;
}

const byId = (id) => (message) => message.startsWith(`${id}:`);

test("a command has a socket of its own, which its listeners share", async (t) => {
  const gate = await gateway(t);
  const { client, messages } = page(t, gate.url, { watch: "home" });
  const [one, two, other] = [listener(), listener(), listener()];
  client.subscribe("a", one);
  client.subscribe("a", two);
  client.subscribe("b", other);
  const { a, b, home } = await lines(gate, 3);
  a.send("1");
  b.send("2");
  home.send("3");
  assert.deepEqual([await one.next(), await two.next(), await other.next()], ["1", "1", "2"]);
  await until("the third", () => messages.length > 0);
  assert.deepEqual(messages, ["3"]);
  assert.equal(gate.all.length, 3);
});

test("the socket goes with the last listener, who may ask twice", async (t) => {
  const gate = await gateway(t);
  const { client } = page(t, gate.url, { watch: "home" });
  const [one, two] = [listener(), listener()];
  const stop = client.subscribe("a", one);
  const stopTwo = client.subscribe("a", two);
  const { a } = await lines(gate, 2);
  stop();
  stop();
  a.send("1");
  assert.equal(await two.next(), "1");
  stopTwo();
  assert.equal(await a.closed, 1000);
  assert.deepEqual(a.heard, ["a"]);

  client.subscribe("a", one);
  const again = (await lines(gate, 1)).a;
  stop();
  stopTwo();
  again.send("2");
  assert.equal(await one.next(), "2");
  assert.equal(client.state, "open");
});

test("a dialog that closes before its socket is open leaves nothing", async (t) => {
  const gate = await gateway(t);
  const { client } = page(t, gate.url, { watch: "home" });
  client.subscribe("a", assert.fail)();
  client.subscribe("b", () => {});
  assert.deepEqual(Object.keys(await lines(gate, 2)).sort(), ["b", "home"]);
  assert.equal(gate.all.length, 2);
});

test("subscriptions that can tell their messages share one socket", async (t) => {
  const gate = await gateway(t);
  const { client, messages } = page(t, gate.url, { watch: "home" });
  const [one, two] = [listener(), listener()];
  const stop = client.subscribe("dev:1", one, { match: byId(1) });
  client.subscribe("dev:2", two, { match: byId(2) });
  const socket = await gate.socket();
  assert.deepEqual([await socket.command(), await socket.command(), await socket.command()], ["home", "dev:1", "dev:2"]);
  socket.send("2:x", "1:y", "3:z");
  assert.deepEqual([await one.next(), await two.next()], ["1:y", "2:x"]);
  await until("all", () => messages.length === 3); // the watch hears them all

  stop();
  assert.equal(await socket.command(), "unsubscribe dev:1");
  client.subscribe("dev:1", one, { match: byId(1) });
  assert.equal(await socket.command(), "dev:1");
  assert.equal(gate.all.length, 1);
});

test("after a break each command is asked for again, and its listeners told", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const { client, states } = page(t, gate.url, { watch: "home" });
  const gaps = [];
  const subscribe = (command, match) => client.subscribe(command, () => {}, { match, onGap: () => gaps.push(command) });
  subscribe("own");
  subscribe("shared", () => true);
  const stop = subscribe("gone", () => true);
  const { home, own } = await lines(gate, 2);
  stop();
  assert.deepEqual([await home.command(), await home.command(), await home.command()], ["shared", "gone", "unsubscribe gone"]);
  assert.deepEqual(gaps, []);

  own.ws.terminate();
  await clock.pass(250);
  const ownAgain = await gate.socket();
  assert.equal(await ownAgain.command(), "own");
  assert.deepEqual(gaps, ["own"]);
  assert.deepEqual(states, ["open"], "the home line never broke");

  home.ws.terminate();
  await clock.pass(250);
  const homeAgain = await gate.socket();
  assert.deepEqual([await homeAgain.command(), await homeAgain.command()], ["home", "shared"]);
  assert.deepEqual(gaps, ["own", "shared"]);
  assert.deepEqual(states, ["open", "connecting", "open"]);
});

test("the state is that of the shared socket, not of a dialog's", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const { client, states } = page(t, gate.url);
  (await gate.socket()).close(1012);
  await until("the break", () => states.at(-1) === "connecting");
  client.subscribe("a", () => {}); // a new line need not wait for the backoff
  await (await gate.socket()).command();
  assert.deepEqual(states, ["open", "connecting"]);
  await clock.pass(250);
  await gate.socket();
  await until("open again", () => client.state === "open");
});

test("what is subscribed during a break is asked for after it", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const { client } = page(t, gate.url);
  (await gate.socket()).ws.terminate();
  await until("the break", () => client.state === "connecting" && clock.waits().includes(250));
  client.subscribe("a", () => {}, { match: () => true });
  clock.advance(250);
  assert.equal(await (await gate.socket()).command(), "a");
});

test("the gateway's gap text tells every listener of its socket", async (t) => {
  const gate = await gateway(t);
  const { client } = page(t, gate.url, { watch: "home", gap: "gap" });
  const one = listener();
  const gaps = [];
  client.subscribe("a", one, { onGap: () => gaps.push("a") });
  client.subscribe("b", assert.fail, { match: () => true, onGap: () => gaps.push("b") });
  const { a } = await lines(gate, 2);
  a.send("gap", "1");
  assert.equal(await one.next(), "1");
  assert.deepEqual(gaps, ["a"]);
});

test("binary arrives as an ArrayBuffer, and text that looks like the protocol's as it is", async (t) => {
  const gate = await gateway(t);
  const { client } = page(t, gate.url, { watch: "home" });
  const one = listener();
  client.subscribe("a", one);
  const { a } = await lines(gate, 2);
  a.ws.send(Buffer.from([0xff, 0x00]));
  const binary = await one.next();
  assert.ok(binary instanceof ArrayBuffer);
  assert.deepEqual([...new Uint8Array(binary)], [0xff, 0x00]);
  for (const text of ["", "pong", "error:forbidden b", "error:other a", "error:forbidden ", "loginOut ", "unsubscribe a", "a\nb"]) {
    a.send(text);
    assert.equal(await one.next(), text);
  }
});

test("a listener may end any subscription, and nothing arrives after that", async (t) => {
  const gate = await gateway(t);
  const { client } = page(t, gate.url, { watch: "home" });
  const last = listener();
  const stops = [];
  stops.push(client.subscribe("a", () => stops.forEach((stop) => stop())));
  stops.push(client.subscribe("a", assert.fail));
  client.subscribe("a", last);
  const { a } = await lines(gate, 2);
  a.send("1");
  assert.equal(await last.next(), "1");
});

test("a listener that is added by a listener starts with the next message", async (t) => {
  const gate = await gateway(t);
  const { client } = page(t, gate.url, { watch: "home" });
  const late = listener();
  client.subscribe("a", () => client.subscribe("a", late));
  const { a } = await lines(gate, 2);
  a.send("1", "2");
  assert.equal(await late.next(), "2");
});

test("close within a listener is the last call", async (t) => {
  const gate = await gateway(t);
  const { client, states } = page(t, gate.url, { watch: "home" });
  client.subscribe("a", () => client.close());
  client.subscribe("a", assert.fail);
  const { a, home } = await lines(gate, 2);
  a.send("1", "2");
  assert.deepEqual([await a.closed, await home.closed], [1000, 1000]);
  assert.equal(states.at(-1), "closed");
});

test("a listener that throws harms nobody else, and is seen", async (t) => {
  const gate = await gateway(t);
  const { client } = page(t, gate.url, { watch: "home" });
  const { queueMicrotask } = globalThis;
  const thrown = [];
  t.mock.method(globalThis, "queueMicrotask", (fn) =>
    queueMicrotask(() => {
      try {
        fn();
      } catch (error) {
        thrown.push(error.message);
      }
    }),
  );
  const one = listener();
  client.subscribe("a", () => {
    throw new Error("mine");
  });
  client.subscribe("a", one);
  const { a } = await lines(gate, 2);
  a.send("1", "2");
  assert.deepEqual([await one.next(), await one.next()], ["1", "2"]);
  await until("both", () => thrown.length === 2);
  assert.deepEqual(thrown, ["mine", "mine"]);
});

test("the empty command is a mistake", async (t) => {
  const { client } = page(t, (await gateway(t)).url);
  assert.throws(() => client.subscribe("", () => {}), TypeError);
});
