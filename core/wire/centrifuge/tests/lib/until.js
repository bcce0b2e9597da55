import { setTimeout as delay } from "node:timers/promises";

/** Waits until what yields something true, and yields that. */
export async function until(name, what, patience = 20_000) {
  const end = Date.now() + patience;
  for (;;) {
    const got = await what();
    if (got) return got;
    if (Date.now() > end) throw new Error(`never: ${name}`);
    await delay(5);
  }
}
