import { until } from "./until.js";

/** Timers that fire when the test says so, and chance that is none. */
export class Clock {
  #now = 0;
  #timers = new Map();

  constructor(t, random = 0.5) {
    const { clearTimeout } = globalThis;
    t.mock.method(globalThis, "setTimeout", (fn, ms, ...args) => {
      const timer = {};
      this.#timers.set(timer, { fn: () => fn(...args), ms, at: this.#now + ms });
      return timer;
    });
    // A socket of the test before may still clear a real one.
    t.mock.method(globalThis, "clearTimeout", (timer) => this.#timers.delete(timer) || clearTimeout(timer));
    t.mock.method(Math, "random", () => random);
  }

  /** Waits until somebody waits for exactly ms, and lets that time pass. */
  async pass(ms) {
    await until(`a timer of ${ms} ms`, () => this.waits().includes(ms));
    this.advance(ms);
  }

  advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (due.length === 0) break;
      const [key, timer] = due[0];
      this.#timers.delete(key);
      this.#now = timer.at;
      timer.fn();
    }
    this.#now = end;
  }

  waits = () => [...this.#timers.values()].map((timer) => timer.ms);
}
