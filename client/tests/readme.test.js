// What the README shows works as it stands.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { gateway } from "./lib/gateway.js";
import { Inbox } from "./lib/inbox.js";
import "./lib/page.js";

const here = (name) => new URL(`../${name}`, import.meta.url);
const [, before, example] = readFileSync(here("README.md"), "utf8").split("```js\n").map((part) => part.split("```")[0]);

const lines = (code) => code.split("\n").filter((line) => line.trim() && !line.trim().startsWith("//")).length;

test("the example is short", () => {
  assert.match(before, /new WebSocket/);
  assert.ok(lines(example) <= 15, `${lines(example)} lines`);
});

test("the example works", async (t) => {
  const gate = await gateway(t);
  const gone = new Inbox();
  const rows = new Inbox();
  const page = {
    location: { href: gate.url.replace("/ws", "/") },
    localStorage: { getItem: () => "secret", clear: () => gone.put("cleared") },
    router: { replace: (path) => gone.put(path) },
    account: { id: 7 },
    row: { id: 42 },
    rows: { unshift: (row) => rows.put(row) },
    reload: assert.fail,
  };
  Object.assign(globalThis, page);
  const dir = await mkdtemp(join(tmpdir(), "wsgate-readme-"));
  t.after(() => rm(dir, { recursive: true }));
  const file = join(dir, "example.mjs");
  const code = example.replace("./wsgate.js", here("wsgate.js").href).replace("\nstop();", "\nexport { stop };");
  await writeFile(file, code);
  const { live, stop } = await import(pathToFileURL(file).href);
  t.after(() => live.close());

  const [one, two] = [await gate.socket(), await gate.socket()];
  const sockets = { [await one.command()]: one, [await two.command()]: two };
  sockets["data_imei:42"].send('{"temperature":4}');
  assert.deepEqual(await rows.take(), { temperature: 4 });
  stop();
  assert.equal(await sockets["data_imei:42"].closed, 1000);
  sockets["msg:7"].close(4503);
  assert.deepEqual([await gone.take(), await gone.take()], ["cleared", "/login?why=kicked"]);
});
