/**
 * Work that is put off until the event loop has sent what is on its way: rows are hashed while others
 * compute with them. It is done in the order in which it came, at the latest before anybody asks.
 */
import type { Clock, Timer } from "../ports/mod.ts";

/** Bytes of rows that wait at most; beyond them all is done at once. */
const waitingBytesMax = 16 * 1024 * 1024;

/** What waits. */
export class LateWork {
  readonly #clock: Pick<Clock, "after">;
  #waiting: (() => void)[] = [];
  #bytes = 0;
  #timer: Timer | undefined;

  constructor(clock: Pick<Clock, "after">) {
    this.#clock = clock;
  }

  /** Puts `work` off, which keeps `bytes` of rows alive; they must not change any more. */
  push(bytes: number, work: () => void): void {
    this.#waiting.push(work);
    this.#bytes += bytes;
    if (this.#bytes > waitingBytesMax) this.finish();
    else this.#timer ??= this.#clock.after(0, () => this.finish());
  }

  /** Does everything that waits. */
  finish(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    for (const work of waiting) work();
  }
}
