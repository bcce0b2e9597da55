// A real Chromium, without a window and with a profile of its own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const paths = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Opens a page; the browser ends with the test. */
export async function browse(t, url) {
  const exe = paths.find((p) => p && existsSync(p));
  assert.ok(exe, "no Chromium found: install it, or set CHROMIUM to its path");
  const profile = await mkdtemp(join(tmpdir(), "wsgate-chromium-"));
  const child = spawn(exe, [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    `--user-data-dir=${profile}`, url,
  ], { stdio: "ignore" });
  const exited = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await exited;
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
}
