/**
 * Measures how late the event loop runs timers: what a service that computes for too long in the
 * main thread does to all others. By the Clock port; in virtual time nothing is late, and nothing is
 * measured.
 */
import type { Clock, Timer } from "../ports/mod.ts";
import type { Metrics } from "./service.ts";

/** How often the lag is measured. */
const PERIOD_MS = 500;

/** Starts measuring into `skep_event_loop_lag_seconds`; the returned function ends it. */
export function measureLoopLag(clock: Clock, metrics: Metrics): () => void {
  const name = "event_loop_lag_seconds";
  const lag = metrics.histogram({
    name,
    help: "How late a timer of the main thread ran.",
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  });
  const last = metrics.gauge({
    name: "event_loop_lag_last_seconds",
    help: "How late the last measured timer of the main thread ran.",
  });
  if (clock.isVirtual === true) return (): void => {};
  let timer: Timer;
  function measure(): void {
    const dueMs = clock.monotonicMs() + PERIOD_MS;
    timer = clock.after(PERIOD_MS, () => {
      const lateSeconds = Math.max(0, clock.monotonicMs() - dueMs) / 1_000;
      lag.observe(lateSeconds);
      last.set(lateSeconds);
      measure();
    });
  }
  measure();
  return () => timer.cancel();
}
