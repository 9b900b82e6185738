/**
 * Slices of work: lets the event loop run after a bounded number of operations.
 */
import { realClock } from "../ports/mod.ts";

/**
 * Multiply-adds (or bytes loaded) between two yields: some 20 ms on one core. A yield takes a
 * millisecond or more, since it must be a timer: on Deno, a loop that yields by message channel
 * or setImmediate lets no socket be read.
 */
export const sliceOperationsDefault = 2 ** 27;

/** Counts work and yields when a slice is full, across calls. */
export class Pace {
  readonly sliceOperations: number;
  readonly #yield: () => Promise<void>;
  #spent = 0;

  /**
   * @param sliceOperations operations between two yields, at least 1
   * @param yieldTurn resolves after timers and sockets had their turn
   */
  constructor(sliceOperations = sliceOperationsDefault, yieldTurn = nextTimerTurn) {
    if (!(sliceOperations >= 1)) {
      throw new RangeError(
        `Cannot load the model as "sliceOperations" must be at least 1: current value is ${sliceOperations}`,
      );
    }
    this.sliceOperations = sliceOperations;
    this.#yield = yieldTurn;
  }

  /** Notes work that was done; returns true when it is time to await `rest`. */
  spend(operations: number): boolean {
    this.#spent += operations;
    return this.#spent >= this.sliceOperations;
  }

  /** Yields, and starts a new slice. */
  async rest(): Promise<void> {
    this.#spent = 0;
    await this.#yield();
  }
}

/** A timer's turn. The clock's timers keep no process alive, so an open channel does meanwhile. */
async function nextTimerTurn(): Promise<void> {
  const { port1 } = new MessageChannel();
  port1.onmessage = (): void => undefined;
  await realClock().sleep(0);
  port1.close();
}
