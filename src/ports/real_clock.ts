/**
 * The system's clock and timers. Timers never keep the process alive: what must stay up holds a
 * listener or another handle of its own.
 */
import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import type { Clock, Timer } from "./clock.ts";

/** Longest delay of one platform timer, 2^31 - 1 ms; longer ones are chained. */
const TIMER_DELAY_MS_MAX = 0x7fffffff;

/** The real clock; all of a process's clocks tell the same time, so make as many as needed. */
export function realClock(): Clock {
  return { nowMs, monotonicMs, after, sleep };
}

function nowMs(): number {
  return Date.now();
}

function monotonicMs(): number {
  return performance.now();
}

function after(delayMs: number, fn: () => void): Timer {
  checkDelay(delayMs);
  let handle: ReturnType<typeof setTimeout>;
  function arm(leftMs: number): void {
    const stepMs = Math.min(leftMs, TIMER_DELAY_MS_MAX);
    handle = setTimeout(() => leftMs > stepMs ? arm(leftMs - stepMs) : fn(), stepMs);
    handle.unref();
  }
  arm(delayMs);
  return { cancel: (): void => clearTimeout(handle) };
}

function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  checkDelay(delayMs);
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = after(delayMs, () => {
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

function checkDelay(delayMs: number): void {
  if (delayMs >= 0) return;
  throw new RangeError(
    `Cannot start a timer as 'delayMs' must be at least 0: current value is ${delayMs}`,
  );
}
