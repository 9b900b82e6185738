/**
 * A value that changes: its current state, and the changes for those who watch.
 *
 * A watcher that is slow sees the latest value and not those in between; for every value, use
 * `Broadcast`.
 */

/** A watched value. */
export class Watch<T> {
  #value: T;
  #version = 0;
  /** Watchers that have seen the current version and wait for the next. */
  readonly #waiting = new Set<() => void>();

  /** @param initial the value until the first `set` */
  constructor(initial: T) {
    this.#value = initial;
  }

  /** The current value. */
  get value(): T {
    return this.#value;
  }

  /** Changes the value and wakes the watchers; setting the same value is no change. */
  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    this.#version += 1;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** The current value first, then each change, until `signal` aborts (which is no error). */
  async *changes(signal?: AbortSignal): AsyncGenerator<T, void, undefined> {
    let seen = -1;
    while (!signal?.aborted) {
      if (seen !== this.#version) {
        seen = this.#version;
        yield this.#value;
      } else await this.#next(signal);
    }
  }

  #next(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener("abort", wake);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }
}
