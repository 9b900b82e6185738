/**
 * The clock port: the only source of time and of timers.
 *
 * Nothing outside this folder reads the system's time or starts a timer; the simulator's
 * clock (src/sim) implements the same interface in virtual time.
 */

/** A pending timer; cancelling one that has fired is harmless. */
export interface Timer {
  /** Stops the timer; its function will not run any more. */
  cancel(): void;
}

/** Time and timers. */
export interface Clock {
  /** Whether time moves between timers only, so that none runs late. @default false */
  readonly isVirtual?: boolean;
  /** Wall-clock time in milliseconds since the Unix epoch (may jump). */
  nowMs(): number;
  /** Milliseconds since an arbitrary start; never goes back. Has a fractional part. */
  monotonicMs(): number;
  /** Runs `fn` once after `delayMs` (>= 0). A pending timer does not keep the process alive. */
  after(delayMs: number, fn: () => void): Timer;
  /**
   * Resolves after `delayMs`.
   *
   * @throws the signal's reason when `signal` aborts first
   */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}
