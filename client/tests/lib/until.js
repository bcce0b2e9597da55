const PATIENCE = 30_000; // ms
const { setTimeout } = globalThis; // before a test takes the clock

/** Waits for a condition that no event tells of. */
export async function until(what, condition) {
  const started = performance.now();
  for (let pause = 1; !condition(); pause = Math.min(20, pause * 2)) {
    if (performance.now() - started > PATIENCE) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
