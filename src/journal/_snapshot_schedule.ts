/** When the next snapshot is due: after so many events, or so long after the first new one. */
import type { Clock, Timer } from "../ports/mod.ts";

/** What a schedule goes by. */
export interface SnapshotScheduleOptions {
  readonly clock: Clock;
  /** Events behind the last snapshot. */
  readonly events: number;
  /** Milliseconds behind the first event that no snapshot covers. */
  readonly delayMs: number;
  /** Called when the time is up. */
  readonly onDue: () => void;
}

/** Keeps count and time. */
export class SnapshotSchedule {
  readonly #options: SnapshotScheduleOptions;
  #uncovered: number;
  #timer: Timer | undefined;
  #isTime = false;
  #ended = false;

  /** @param uncovered events behind the last snapshot, as they were found */
  constructor(options: SnapshotScheduleOptions, uncovered: number) {
    this.#options = options;
    this.#uncovered = uncovered;
    this.#arm();
  }

  /** Whether the time is up. */
  get isTime(): boolean {
    return this.#isTime;
  }

  /** Whether a snapshot belongs behind a commit of so many events. */
  isDue(commit: { readonly opens: boolean; readonly events: number }): boolean {
    const uncovered = (commit.opens ? 0 : this.#uncovered) + commit.events;
    return uncovered > 0 && (this.#isTime || uncovered >= this.#options.events);
  }

  /** A commit was made; one that opens a file begins with a snapshot. */
  committed(
    commit: { readonly opens: boolean; readonly events: number; readonly snapshot: boolean },
  ): void {
    if (commit.opens) this.#uncovered = 0;
    this.#uncovered = commit.snapshot ? 0 : this.#uncovered + commit.events;
    if (commit.snapshot || commit.opens) this.#isTime = false;
    if (this.#uncovered === 0) this.#disarm();
    this.#arm();
  }

  /** The snapshot that was due could not be written: once more after the same time. */
  failed(): void {
    this.#isTime = false;
    this.#arm();
  }

  /** No more timers. */
  end(): void {
    this.#ended = true;
    this.#disarm();
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#uncovered === 0 || this.#isTime || this.#ended) return;
    const { clock, delayMs, onDue } = this.#options;
    this.#timer = clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#isTime = true;
      onDue();
    });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
