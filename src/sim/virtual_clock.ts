/**
 * A clock whose time moves only when a test says so: `advance` runs timers in the order of their
 * due time (ties in the order they were set), letting promises settle between two of them.
 */
import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../ports/mod.ts";
import { TimerHeap } from "./_timer_heap.ts";
import type { HeapTimer } from "./_timer_heap.ts";

/** Timers that run within one turn of the event loop, at most. */
const roundTimersMax = 64;

/** Virtual time; `monotonicMs` starts at 0, the wall clock at `startMs`. */
export class VirtualClock implements Clock {
  readonly isVirtual = true;
  #monotonicMs = 0;
  /** Wall time minus monotonic time; `setWallClock` moves it. */
  #offsetMs: number;
  #order = 0;
  readonly #pending = new TimerHeap();

  /** @param options `startMs`: Unix milliseconds. @default 2026-01-01T00:00:00Z */
  constructor(options: { readonly startMs?: number } = {}) {
    this.#offsetMs = options.startMs ?? Date.UTC(2026, 0, 1);
  }

  /** How many timers are waiting. */
  get pendingCount(): number {
    return this.#pending.count;
  }

  /** See `Clock`. */
  nowMs(): number {
    return Math.floor(this.#offsetMs + this.#monotonicMs);
  }

  /** See `Clock`. */
  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** See `Clock`. */
  after(delayMs: number, fn: () => void): Timer {
    if (!(delayMs >= 0)) {
      throw new RangeError(
        `Cannot start a timer as 'delayMs' must be at least 0: current value is ${delayMs}`,
      );
    }
    const dueMs = this.#monotonicMs + delayMs;
    const timer: HeapTimer = { dueMs, order: this.#order++, fn, isSet: true };
    this.#pending.push(timer);
    return { cancel: (): void => this.#pending.cancel(timer) };
  }

  /** See `Clock`. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      function onAbort(): void {
        timer.cancel();
        reject(signal?.reason);
      }
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Makes the wall clock jump, forward or back; timers do not notice. */
  setWallClock(nowMs: number): void {
    this.#offsetMs = nowMs - this.#monotonicMs;
  }

  /** Moves time on by `ms`, running what falls due, and returns when promises have settled. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await settle();
    let count = 1;
    while (await this.#round(endMs, count)) count = Math.min(2 * count, roundTimersMax);
    this.#monotonicMs = Math.max(this.#monotonicMs, endMs);
  }

  /**
   * Runs up to `count` timers in one turn of the event loop, whose callbacks let every promise settle
   * between two of them; false when no more were due.
   */
  #round(endMs: number, count: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      let goesOn = true;
      for (let i = 0; i < count; i++) {
        setImmediate(() => {
          goesOn &&= this.#runNext(endMs, reject);
        });
      }
      setImmediate(() => resolve(goesOn));
    });
  }

  /** Runs the next timer that is due by `endMs`; false when there is none, or it has thrown. */
  #runNext(endMs: number, onThrown: (thrown: unknown) => void): boolean {
    const next = this.#pending.takeDue(endMs);
    if (next === undefined) return false;
    this.#monotonicMs = Math.max(this.#monotonicMs, next.dueMs);
    try {
      next.fn();
      return true;
    } catch (thrown) {
      onThrown(thrown);
      return false;
    }
  }
}

/** One turn of the event loop: every promise that can settle without time passing has settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
