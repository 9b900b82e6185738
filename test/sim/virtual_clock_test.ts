import assert from "node:assert/strict";
import { nextTick } from "node:process";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock } from "../../src/sim/mod.ts";
import { clockContract } from "../ports/_clock_contract.ts";

clockContract("VirtualClock", () => {
  const clock = new VirtualClock();
  return { clock, pass: (ms) => clock.advance(ms) };
});

test("VirtualClock: advance() runs timers at their due time, also those set meanwhile", async () => {
  const clock = new VirtualClock({ startMs: 1000 });
  const seen: number[] = [];
  async function tick(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      await clock.sleep(10);
      seen.push(clock.nowMs());
    }
  }
  const done = tick();
  await clock.advance(25);
  assert.deepEqual(seen, [1010, 1020]);
  assert.equal(clock.nowMs(), 1025);
  await clock.advance(5);
  await done;
  assert.equal(clock.pendingCount, 0);
});

test("VirtualClock: the wall clock jumps, timers do not notice", async () => {
  const clock = new VirtualClock({ startMs: 5000 });
  let fired = false;
  clock.after(10, () => (fired = true));
  clock.setWallClock(1000);
  assert.equal(clock.nowMs(), 1000);
  await clock.advance(9);
  assert.equal(fired, false);
  await clock.advance(1);
  assert.equal(fired, true);
  assert.equal(clock.nowMs(), 1010);
});

test("VirtualClock: timers run in the order of their due time, then of their setting, whatever was cancelled", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ delayMs: fc.nat(50), isCancelled: fc.boolean() }), { maxLength: 300 }),
      async (timers) => {
        const clock = new VirtualClock();
        const seen: number[] = [];
        const set = timers.map(({ delayMs }, i) => clock.after(delayMs, () => void seen.push(i)));
        timers.forEach(({ isCancelled }, i) => isCancelled && set[i]?.cancel());
        const left = timers.flatMap(({ delayMs, isCancelled }, i) =>
          isCancelled ? [] : [{ delayMs, i }]
        );
        assert.equal(clock.pendingCount, left.length);
        await clock.advance(25);
        const due = left.filter(({ delayMs }) => delayMs <= 25);
        const ordered = due.toSorted((a, b) => a.delayMs - b.delayMs || a.i - b.i);
        assert.deepEqual(seen, ordered.map(({ i }) => i));
        assert.equal(clock.pendingCount, left.length - due.length);
        assert.equal(clock.monotonicMs(), 25);
      },
    ),
    { numRuns: 50 },
  );
});

test("VirtualClock: promises and ticks settle between two timers that are due at one time", async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  for (let i = 0; i < 200; i++) {
    clock.after(1, async () => {
      seen.push(`timer ${i}`);
      for (let hop = 0; hop < 20; hop++) await Promise.resolve();
      nextTick(async () => {
        await Promise.resolve();
        seen.push(`settled ${i}`);
      });
    });
  }
  await clock.advance(1);
  const each = Array.from({ length: 200 }, (_, i) => [`timer ${i}`, `settled ${i}`]);
  assert.deepEqual(seen, each.flat());
});

test("VirtualClock: advance() fails with what a timer throws, and goes on behind it next time", async () => {
  const clock = new VirtualClock();
  let ran = 0;
  clock.after(1, () => {
    throw new RangeError("thrown by a timer");
  });
  for (let i = 0; i < 10; i++) clock.after(1, () => void ran++);
  await assert.rejects(clock.advance(1), /thrown by a timer/);
  await clock.advance(0);
  assert.equal(ran, 10);
});
