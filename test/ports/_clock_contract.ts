/** What every `Clock` promises; `pass` lets virtual or real time go by. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../../src/ports/mod.ts";

/** A clock and the way to make its time pass. */
export interface ClockUnderTest {
  clock: Clock;
  /** Returns when at least `ms` have gone by on the clock. */
  pass(ms: number): Promise<void>;
}

/** Registers the suite. */
export function clockContract(name: string, setup: () => ClockUnderTest): void {
  test(`${name}: monotonic time goes on and wall time is near now or what was set`, async () => {
    const { clock, pass } = setup();
    const before = clock.monotonicMs();
    await pass(20);
    assert.ok(clock.monotonicMs() - before >= 19);
    assert.ok(Number.isInteger(clock.nowMs()));
  });

  test(`${name}: after() runs once, in order of delay, and a cancelled one never`, async () => {
    const { clock, pass } = setup();
    const seen: string[] = [];
    clock.after(30, () => seen.push("later"));
    clock.after(5, () => seen.push("sooner"));
    const cancelled = clock.after(10, () => seen.push("cancelled"));
    cancelled.cancel();
    cancelled.cancel();
    await pass(80);
    assert.deepEqual(seen, ["sooner", "later"]);
  });

  test(`${name}: a delay beyond one platform timer does not fire at once`, async () => {
    const { clock, pass } = setup();
    let fired = false;
    const timer = clock.after(2 ** 31 + 5, () => (fired = true));
    await pass(20);
    timer.cancel();
    assert.equal(fired, false);
  });

  test(`${name}: a negative or undefined delay is the caller's mistake`, () => {
    const { clock } = setup();
    assert.throws(() => clock.after(-1, () => {}), RangeError);
    assert.throws(() => clock.after(NaN, () => {}), RangeError);
  });

  test(`${name}: sleep() resolves, or throws the reason of the signal`, async () => {
    const { clock, pass } = setup();
    const slept = clock.sleep(5);
    const reason = new TypeError("stop");
    const controller = new AbortController();
    const stopped = assert.rejects(clock.sleep(10_000, controller.signal), reason);
    controller.abort(reason);
    await Promise.all([stopped, pass(40)]);
    await slept;
    await assert.rejects(clock.sleep(1, AbortSignal.abort(reason)), reason);
  });
}
