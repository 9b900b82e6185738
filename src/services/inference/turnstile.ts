/**
 * One at a time, in the order of asking: what keeps requests that share an executor fair.
 *
 * Each holder computes one step (a chunk of a prompt, or one token) and asks again, so active
 * requests take turns. The line is as long as there are slots, which bounds it.
 */

/** A first-come, first-served lock. */
export class Turnstile {
  #tail: Promise<void> = Promise.resolve();

  /**
   * Waits for the turn, runs `step`, and lets the next one in, whatever comes of it.
   *
   * @throws what `step` throws
   */
  async turn<T>(step: () => Promise<T>): Promise<T> {
    const before = this.#tail;
    let release: () => void = noop;
    this.#tail = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    try {
      return await step();
    } finally {
      release();
    }
  }
}

function noop(): void {}
