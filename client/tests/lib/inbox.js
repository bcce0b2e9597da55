/** What arrived and was not taken yet. */
export class Inbox {
  #values = [];
  #takers = [];

  put(value) {
    const taker = this.#takers.shift();
    if (taker) taker(value);
    else this.#values.push(value);
  }

  /** The next one; the test runner ends a wait that is in vain. */
  take() {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift());
    return new Promise((resolve) => this.#takers.push(resolve));
  }
}
