/**
 * The one timer that drives a node in its mesh: it beats in half periods, and leaves every second one
 * out while nothing waits for it.
 */
import type { Clock, Timer } from "../../ports/mod.ts";

/** What beats. */
export interface BeatParts {
  readonly clock: Clock;
  /** A half period, in milliseconds. */
  readonly halfMs: number;
  /** Whether a whole period may pass before anything is to be looked at. */
  readonly isQuiet: () => boolean;
  /** Told how many half periods have passed since it was told last: 1 or 2. */
  readonly onBeat: (halves: number) => void;
}

/** The beat of one node. */
export class Beat {
  readonly #parts: BeatParts;
  #timer: Timer | undefined;
  #lastMs = 0;
  #halves = 1;

  /** @param parts kept for the beat's life; `start` comes next */
  constructor(parts: BeatParts) {
    this.#parts = parts;
  }

  /** Begins; the first beat comes after half a period. */
  start(): void {
    this.#lastMs = this.#parts.clock.monotonicMs();
    this.#wait(1, 0);
  }

  /** Something waits now: the half period that would be left out is not, unless it has passed. */
  hurry(): void {
    const pastMs = this.#parts.clock.monotonicMs() - this.#lastMs;
    if (this.#timer === undefined || this.#halves === 1 || pastMs >= this.#parts.halfMs) return;
    this.#timer.cancel();
    this.#wait(1, pastMs);
  }

  /** Beats no more. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #wait(halves: number, pastMs: number): void {
    const { clock, halfMs, isQuiet, onBeat } = this.#parts;
    this.#halves = halves;
    this.#timer = clock.after(halves * halfMs - pastMs, () => {
      this.#lastMs = clock.monotonicMs();
      onBeat(halves);
      if (this.#timer !== undefined) this.#wait(isQuiet() ? 2 : 1, 0);
    });
  }
}
