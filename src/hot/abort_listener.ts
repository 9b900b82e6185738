/**
 * Listens to the signal of one call after the other, and goes on listening while the same one comes: to
 * begin and to end costs more, when something else has run in between, than a short call's own work.
 */

/** Who listens. For calls that take turns: one at a time is listened for. */
export class AbortListener {
  #signal: AbortSignal | undefined;
  #action: (() => void) | undefined;

  /**
   * Calls `action` once when the signal aborts from now on, until the returned function is called; a
   * signal that has aborted already is the caller's care.
   */
  attend(signal: AbortSignal | undefined, action: () => void): () => void {
    // A call without a signal cannot be stopped; the last one may come again.
    if (signal === undefined) return nothing;
    if (signal !== this.#signal) {
      this.#signal?.removeEventListener("abort", this.#onAbort);
      signal.addEventListener("abort", this.#onAbort, { once: true });
      this.#signal = signal;
    }
    this.#action = action;
    return this.#end;
  }

  readonly #end = (): void => {
    this.#action = undefined;
  };

  readonly #onAbort = (): void => {
    this.#signal = undefined;
    this.#action?.();
  };
}

/** A controller that serves one call after the other, until one of them was aborted. */
export class KeptController {
  #controller = new AbortController();

  /** One that has not aborted. */
  take(): AbortController {
    if (this.#controller.signal.aborted) this.#controller = new AbortController();
    return this.#controller;
  }
}

function nothing(): void {}
