// Processes of a test run, ended with it.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { until } from "./until.js";

const root = new URL("../../../../../", import.meta.url).pathname;

/** A directory that end removes. */
export async function directory() {
  const path = await mkdtemp(join(tmpdir(), "wsgate-centrifuge-"));
  return { path, end: () => rm(path, { recursive: true, force: true }) };
}

/** Builds Caddy with this module. */
export async function buildCaddy(dir) {
  const exe = join(dir, "caddy");
  await promisify(execFile)("go", ["build", "-o", exe, "./cmd/caddy"], { cwd: root });
  return exe;
}

export async function freePort() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Starts a program and waits until something listens on its port. */
export async function run(exe, args, port, env = {}) {
  const child = spawn(exe, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  const log = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => log.push(String(data)));
  const exited = once(child, "exit");
  const end = async (signal = "SIGTERM") => {
    child.kill(signal);
    const kill = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await exited;
    clearTimeout(kill);
  };
  try {
    await until(`${exe} listens`, async () => {
      if (child.exitCode !== null) throw new Error(`${exe} ended:\n${log.join("")}`);
      return listens(port);
    });
  } catch (err) {
    await end("SIGKILL");
    throw err;
  }
  return { end, log };
}

function listens(port) {
  return new Promise((resolve) => {
    const conn = createConnection({ port, host: "127.0.0.1" });
    conn.once("connect", () => resolve(true)).once("error", () => resolve(false));
    conn.once("connect", () => conn.destroy());
  });
}
