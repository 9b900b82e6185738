/**
 * A clock whose time moves only when a test says so: `advance` runs timers in the order of their
 * due time (ties in the order they were set), letting promises settle between two of them.
 */
import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../ports/mod.ts";

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly fn: () => void;
}

/** Virtual time; `monotonicMs` starts at 0, the wall clock at `startMs`. */
export class VirtualClock implements Clock {
  #monotonicMs = 0;
  /** Wall time minus monotonic time; `setWallClock` moves it. */
  #offsetMs: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  /** @param options `startMs`: Unix milliseconds. @default 2026-01-01T00:00:00Z */
  constructor(options: { readonly startMs?: number } = {}) {
    this.#offsetMs = options.startMs ?? Date.UTC(2026, 0, 1);
  }

  /** How many timers are waiting. */
  get pendingCount(): number {
    return this.#pending.size;
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
    const timer = { dueMs: this.#monotonicMs + delayMs, order: this.#order++, fn };
    this.#pending.add(timer);
    return { cancel: (): void => void this.#pending.delete(timer) };
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
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#pending.delete(next);
      this.#monotonicMs = Math.max(this.#monotonicMs, next.dueMs);
      next.fn();
      await settle();
    }
    this.#monotonicMs = Math.max(this.#monotonicMs, endMs);
  }

  #next(endMs: number): Pending | undefined {
    let best: Pending | undefined;
    for (const timer of this.#pending) {
      if (timer.dueMs > endMs) continue;
      const sooner = best === undefined || timer.dueMs < best.dueMs ||
        (timer.dueMs === best.dueMs && timer.order < best.order);
      if (sooner) best = timer;
    }
    return best;
  }
}

/** One turn of the event loop: every promise that can settle without time passing has settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
