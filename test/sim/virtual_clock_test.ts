import assert from "node:assert/strict";
import { test } from "node:test";
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
