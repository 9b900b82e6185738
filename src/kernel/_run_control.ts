/** The signal of one run of a service. */

/** Follows the stop request, and can be aborted for a failure of the run. */
export class RunControl {
  readonly #controller = new AbortController();
  readonly #stop: AbortSignal;
  readonly #onStop: () => void;
  /** Why the run was aborted, when it was for its own failure. */
  failure: Error | undefined;

  /** @param stop the service's stop request */
  constructor(stop: AbortSignal) {
    this.#stop = stop;
    this.#onStop = (): void => this.#controller.abort(stop.reason);
    if (stop.aborted) this.#onStop();
    else stop.addEventListener("abort", this.#onStop, { once: true });
  }

  /** What the run's host shows. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts the run for its own failure; the first reason stays. */
  abort(failure: Error): void {
    if (this.signal.aborted) return;
    this.failure = failure;
    this.#controller.abort(failure);
  }

  /** The run is over: whatever still listens learns it. */
  close(reason: Error | undefined): void {
    this.#stop.removeEventListener("abort", this.#onStop);
    this.#controller.abort(reason);
  }
}
