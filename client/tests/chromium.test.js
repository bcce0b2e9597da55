// The client in a real browser, whose sockets and close codes are not those of Node.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { gateway } from "./lib/gateway.js";
import { Inbox } from "./lib/inbox.js";

const paths = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const html = `<!doctype html><script type="module">
  import { connect } from "/wsgate.js";
  let last; // one after the other, to arrive in order
  const tell = (...what) => (last = Promise.resolve(last).then(() => fetch("/tell", { method: "POST", body: JSON.stringify(what) })));
  window.onerror = (message) => tell("thrown", message);
  const live = connect("/ws", {
    token: ({ refresh }) => (refresh ? "fresh" : "first"),
    watch: "msg:7",
    minDelay: 20,
    onMessage: (m) => tell("message", m),
    onState: (s) => tell("state", s),
    onLogout: (r) => tell("logout", r),
    onError: (e) => tell("error", e),
  });
  live.subscribe("a", (m) => tell("a", typeof m === "string" ? m : [...new Uint8Array(m)]), { onGap: () => tell("gap") });
</script>`;

/** Opens an address in a browser with a fresh profile, which ends with the test. */
async function open(t, url) {
  const executable = paths.find((path) => path && existsSync(path));
  assert.ok(executable, "no Chromium found: install it, or set CHROMIUM to its path");
  const dir = await mkdtemp(join(tmpdir(), "wsgate-client-"));
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
  const child = spawn(executable, [...flags, "--remote-debugging-port=0", `--user-data-dir=${dir}`, url], { stdio: "ignore" });
  t.after(async () => {
    child.kill();
    await once(child, "exit");
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  });
}

test("a page in Chromium", async (t) => {
  const told = new Inbox();
  const site = createServer(async (request, response) => {
    if (request.url === "/tell") told.put(JSON.parse(await text(request)));
    const script = request.url === "/wsgate.js";
    response.setHeader("Content-Type", script ? "text/javascript" : "text/html");
    response.end(script ? readFileSync(new URL("../wsgate.js", import.meta.url)) : html);
  });
  const gate = await gateway(t, site);
  await open(t, gate.url.replace("/ws", "/"));

  /** The home line and that of "a", and what the page tells; in any order. */
  const sockets = async () => {
    const [one, two] = [await gate.socket(), await gate.socket()];
    return (await one.command()) === "msg:7" ? [one, two] : [two, one];
  };
  let [home, a] = await sockets();
  assert.equal(home.offered, `wsgate, token.${Buffer.from("first").toString("base64url")}`);
  assert.deepEqual(await told.take(), ["state", "open"]);
  home.send("hello");
  assert.deepEqual(await told.take(), ["message", "hello"]);
  a.send("数据");
  assert.deepEqual(await told.take(), ["a", "数据"]);
  a.ws.send(Buffer.from([0, 255]));
  assert.deepEqual(await told.take(), ["a", [0, 255]]);
  home.send("error:forbidden msg:7");
  assert.deepEqual(await told.take(), ["error", { code: "forbidden", command: "msg:7" }]);

  a.ws.terminate(); // 1006
  a = await gate.socket();
  assert.equal(await a.command(), "a");
  assert.deepEqual(await told.take(), ["gap"]);

  home.close(4005);
  assert.deepEqual(await told.take(), ["state", "connecting"]);
  home = await gate.socket();
  assert.equal(home.offered, `wsgate, token.${Buffer.from("fresh").toString("base64url")}`);
  assert.deepEqual(await told.take(), ["state", "open"]);

  home.send("loginOut");
  home.close(4501);
  assert.deepEqual(await told.take(), ["state", "closed"]);
  assert.deepEqual(await told.take(), ["logout", "displaced"]);
  assert.deepEqual([await a.closed, gate.all.length], [1000, 4]);
});
