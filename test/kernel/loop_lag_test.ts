/** Event-loop lag through the clock port. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "../../src/kernel/mod.ts";
import { measureLoopLag } from "../../src/kernel/loop_lag.ts";
import type { Clock } from "../../src/ports/mod.ts";
import { VirtualClock } from "../../src/sim/mod.ts";

test("a timer that runs late is measured in seconds, until the measuring ends", async () => {
  const metrics = createMetrics();
  const virtual = new VirtualClock();
  let lateMs = 0;
  const clock: Clock = {
    nowMs: () => virtual.nowMs(),
    monotonicMs: () => virtual.monotonicMs(),
    after: (delayMs, fn) => virtual.after(delayMs + lateMs, fn),
    sleep: (delayMs, signal) => virtual.sleep(delayMs, signal),
  };
  const end = measureLoopLag(clock, metrics);
  await virtual.advance(500);
  assert.match((await metrics.expose()).text, /skep_event_loop_lag_last_seconds 0\n/);
  lateMs = 250;
  await virtual.advance(1_250);
  const { text } = await metrics.expose();
  assert.match(text, /skep_event_loop_lag_last_seconds 0\.25\n/);
  // At 500 and 1,000 ms on time; the one that was armed then came at 1,750 instead of 1,500.
  assert.match(text, /skep_event_loop_lag_seconds_bucket\{le="0\.1"\} 2\n/);
  assert.match(text, /skep_event_loop_lag_seconds_count 3\n/);
  end();
  assert.equal(virtual.pendingCount, 0);
});
