// Protocol plain with the clients that most pages and programs have.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import ReconnectingWebSocket from "reconnecting-websocket";
import WebSocket from "ws";
import { oneNode, until } from "./lib/stack.js";

const it = oneNode();
const address = (token) => `${it.url.replace("http", "ws")}/ws?token=${token}`;

/** Publishes until the node listens; what arrived on the way is thrown away. */
const listens = async (channel) => {
  await until(`${channel} is subscribed`, async () => (await it.stack.redis.publish(channel, "?")) === 1);
};

/** A socket of npm ws, what it heard, and how it ended. */
async function open(t, token, ...options) {
  const ws = new WebSocket(address(token), ...options);
  t.after(() => ws.terminate());
  const heard = [];
  ws.on("message", (data, binary) => heard.push(binary ? data : String(data)));
  const closed = once(ws, "close").then(([code, reason]) => [code, String(reason)]);
  await once(ws, "open");
  return { ws, heard, closed };
}

test("ws: payloads arrive as they were published, and nothing else does", async (t) => {
  const { ws, heard } = await open(t, it.stack.backend.token("ann"));
  ws.send("msg:ann");
  ws.send("c:1");
  await listens("c:1");
  await until("the first", () => heard.at(-1) === "?");
  heard.length = 0;
  const payloads = ['{"t": 21.5,\r\n"ok": true}', "退出", "", Buffer.from([0xff, 0])];
  for (const p of payloads) assert.equal(await it.stack.redis.publish("c:1", p), 1);
  await it.stack.redis.publish("user:ann", "joined");
  await until("all", () => heard.length === 5);
  assert.deepEqual(heard, [...payloads, "joined"]);
  ws.send("room:1");
  ws.send("publish room:1 hello, all");
  ws.send("publish c:1 no");
  ws.send("ping");
  await until("answers", () => heard.includes("pong") && heard.includes("error:forbidden publish c:1"));
});

test("ws: a newer login elsewhere is told, with a code of its own", async (t) => {
  const old = await open(t, it.stack.backend.token("bob"));
  const fresh = await open(t, it.stack.backend.token("bob"));
  assert.deepEqual(await old.closed, [4501, "displaced"]);
  assert.deepEqual(old.heard, ["loginOut"]);
  assert.equal(fresh.ws.readyState, WebSocket.OPEN);
});

test("ws: permessage-deflate is declined, and big messages are refused", async (t) => {
  const { ws, closed } = await open(t, it.stack.backend.token("cid"), { perMessageDeflate: true });
  assert.equal(ws.extensions, "");
  ws.send("x".repeat(70_000));
  assert.equal((await closed)[0], 1009);
});

test("reconnecting-websocket: comes back from a cut, and stays out once it is displaced", async (t) => {
  let logins = 0;
  const token = it.stack.backend.token("dan");
  const rws = new ReconnectingWebSocket(() => (logins++, address(token)), [], { WebSocket, minReconnectionDelay: 10, maxReconnectionDelay: 100, connectionTimeout: 2000 });
  t.after(() => rws.close());
  const heard = [];
  // As pages do: ask again whenever it opens, and leave on the word.
  rws.addEventListener("open", () => rws.send("c:dan"));
  rws.addEventListener("message", ({ data }) => {
    heard.push(data);
    if (data === "loginOut") rws.close();
  });
  for (let cuts = 0; ; cuts++) {
    await until("data", async () => {
      await it.stack.redis.publish("c:dan", `after ${cuts} cuts`);
      return heard.includes(`after ${cuts} cuts`);
    });
    if (cuts === 3) break;
    it.proxy.cut();
  }
  const before = logins;
  const fresh = await open(t, it.stack.backend.token("dan"));
  await until("the farewell", () => heard.includes("loginOut"));
  await until("it stays closed", () => rws.readyState === rws.CLOSED);
  assert.equal(logins, before);
  assert.equal(fresh.ws.readyState, WebSocket.OPEN);
  assert.equal(heard.at(-1), "loginOut");
});
