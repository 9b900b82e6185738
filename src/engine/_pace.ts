/**
 * Slices of work: lets the event loop run after a bounded number of operations.
 */

/** Multiply-adds (or bytes loaded) between two yields; some 3 ms on a laptop. */
export const sliceOperationsMax = 2 ** 24;

/** Counts work and yields when a slice is full, across calls. */
export class Pace {
  readonly #yield: () => Promise<void>;
  #spent = 0;

  /** @param yieldTurn resolves in a later macrotask; by default through a message channel */
  constructor(yieldTurn: () => Promise<void> = nextMacrotask) {
    this.#yield = yieldTurn;
  }

  /** Notes work that was done; returns true when it is time to await `rest`. */
  spend(operations: number): boolean {
    this.#spent += operations;
    return this.#spent >= sliceOperationsMax;
  }

  /** Yields, and starts a new slice. */
  async rest(): Promise<void> {
    this.#spent = 0;
    await this.#yield();
  }
}

/** Resolves in a macrotask of its own, so that I/O and timers get their turn first. */
function nextMacrotask(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = (): void => {
    port1.close();
    resolve();
  };
  port2.postMessage(0);
  return promise;
}
