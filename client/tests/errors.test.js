// Refusals: `error:<code> <command>`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "./lib/clock.js";
import { gateway } from "./lib/gateway.js";
import { listener, page } from "./lib/page.js";

const AGAIN = 500 + (20_000 - 500) / 2; // ms, where chance is a half

for (const code of ["unknown_command", "forbidden", "too_many_channels"]) {
  test(`${code} is told and not tried again`, async (t) => {
    const gate = await gateway(t);
    const clock = new Clock(t);
    const { errors, messages } = page(t, gate.url, { watch: "msg:undefined" });
    const socket = await gate.socket();
    socket.send(`error:${code} ${await socket.command()}`);
    await socket.read();
    assert.deepEqual(errors, [{ code, command: "msg:undefined" }]);
    assert.deepEqual(messages, []);
    assert.equal(clock.waits().includes(AGAIN), false);
  });
}

for (const code of ["rate_limited", "unavailable"]) {
  test(`${code} is told and tried again, while somebody listens`, async (t) => {
    const gate = await gateway(t);
    const clock = new Clock(t);
    const { client, errors } = page(t, gate.url, { heartbeat: false });
    const match = () => true;
    client.subscribe("a", () => {}, { match });
    const stop = client.subscribe("b", () => {}, { match });
    const socket = await gate.socket();
    socket.send(`error:${code} ${await socket.command()}`, `error:${code} ${await socket.command()}`);
    await socket.read();
    assert.deepEqual(errors, [{ code, command: "a" }, { code, command: "b" }]);
    stop();
    await clock.pass(AGAIN);
    client.subscribe("c", () => {}, { match });
    assert.deepEqual([await socket.command(), await socket.command(), await socket.command()], ["unsubscribe b", "a", "c"]);
  });
}

test("a long command comes back cut", async (t) => {
  const gate = await gateway(t);
  const command = "数据:".repeat(100);
  const { client, errors } = page(t, gate.url);
  client.subscribe(command, () => {}, { match: () => true });
  const socket = await gate.socket();
  socket.send(`error:forbidden ${(await socket.command()).slice(0, 100)}`);
  await socket.read();
  assert.deepEqual(errors, [{ code: "forbidden", command }]);
});

test("a short echo is taken by the word", async (t) => {
  const gate = await gateway(t);
  const { client, errors } = page(t, gate.url);
  const one = listener();
  client.subscribe("data:42", one, { match: () => true });
  client.subscribe("data:4", () => {}, { match: () => true });
  const socket = await gate.socket();
  socket.send("error:forbidden data:4", "error:forbidden data:");
  assert.equal(await one.next(), "error:forbidden data:");
  assert.deepEqual(errors, [{ code: "forbidden", command: "data:4" }]);
});

test("the refusal of an unsubscribe is nobody's business", async (t) => {
  const gate = await gateway(t);
  const { errors, messages } = page(t, gate.url, { watch: "msg:7" });
  const socket = await gate.socket();
  await socket.command();
  socket.send("error:unknown_command unsubscribe x");
  await socket.read();
  assert.deepEqual([errors, messages], [[], []]);
});

test("a gateway with another heartbeat says so", async (t) => {
  const gate = await gateway(t);
  const clock = new Clock(t);
  const { errors } = page(t, gate.url);
  const socket = await gate.socket();
  await clock.pass(20_000);
  socket.send(`error:unknown_command ${await socket.command()}`);
  await socket.read();
  assert.deepEqual(errors, [{ code: "unknown_command", command: "ping" }]);
});
