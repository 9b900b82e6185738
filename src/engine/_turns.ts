/**
 * One call at a time: calls of an executor share its scratch memory, so they take turns.
 */
import { EngineError } from "./errors.ts";

/** Calls that may wait; more are refused, so that a caller that never awaits is noticed. */
export const waitingCallsMax = 256;

/** A first-come, first-served lock. */
export class Turns {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /**
   * Runs `call` after all earlier ones have settled.
   *
   * @throws {EngineError} "busy" when `waitingCallsMax` calls wait
   */
  async take<T>(call: () => Promise<T>): Promise<T> {
    if (this.#waiting >= waitingCallsMax) {
      throw new EngineError({
        code: "busy",
        message: `Cannot queue the call as ${waitingCallsMax} calls of the executor wait`,
      });
    }
    this.#waiting++;
    const mine = this.#last.then(call, call);
    this.#last = mine.then(ignore, ignore); // keeps no result alive
    try {
      return await mine;
    } finally {
      this.#waiting--;
    }
  }
}

function ignore(): void {}
