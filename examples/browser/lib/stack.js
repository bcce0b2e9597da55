// Starting what is tested: the command is built, run on a free port of the
// loopback, and ended at the end.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const root = new URL("../../..", import.meta.url).pathname;

/** Builds and runs a command of this repository; waits for its "ready <url>". */
export async function start(pkg, ...args) {
  const dir = await mkdtemp(join(tmpdir(), "wsgate-browser-"));
  const exe = join(dir, "stack");
  await promisify(execFile)("go", ["build", "-o", exe, pkg], { cwd: root });
  const child = spawn(exe, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  const log = [];
  const ready = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        log.push(line);
        if (log.length > 400) log.shift();
        const m = /^ready (http:\S+)/.exec(line);
        if (m) resolve(m[1].replace(/\/$/, ""));
      });
    }
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${pkg} ended with ${code}:\n${log.join("\n")}`)));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    const kill = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await exited;
    clearTimeout(kill);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    return { url: await ready, log, stop };
  } catch (err) {
    await stop();
    throw err;
  }
}

/** The whole stack: the one at WSGATE_URL, or else the demo, started here. */
export async function startDemo() {
  if (process.env.WSGATE_URL) {
    return { url: process.env.WSGATE_URL.replace(/\/$/, ""), log: [], stop: async () => {} };
  }
  return start("./examples/demo", "-listen", "127.0.0.1:0");
}
