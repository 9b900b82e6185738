import assert from "node:assert/strict";
import { test } from "node:test";
import { Beat } from "../../../src/services/network/beat.ts";
import { VirtualClock } from "../../../src/sim/mod.ts";

test("Beat leaves every second half out while nothing waits, unless told to hurry before it", async () => {
  const clock = new VirtualClock();
  const beats: (readonly [atMs: number, halves: number])[] = [];
  let isQuiet = false;
  const beat = new Beat({
    clock,
    halfMs: 500,
    isQuiet: () => isQuiet,
    onBeat: (halves) => void beats.push([clock.monotonicMs(), halves]),
  });
  beat.start();
  await clock.advance(1_000);
  assert.deepEqual(beats, [[500, 1], [1_000, 1]]);
  isQuiet = true;
  await clock.advance(1_500);
  assert.deepEqual(beats.slice(2), [[1_500, 1], [2_500, 2]]);
  await clock.advance(400);
  beat.hurry();
  beat.hurry();
  await clock.advance(100);
  assert.deepEqual(beats.slice(4), [[3_000, 1]], "on the half that would be left out");
  await clock.advance(600);
  beat.hurry();
  await clock.advance(400);
  assert.deepEqual(
    beats.slice(5),
    [[4_000, 2]],
    "which has passed: the next one comes as it would",
  );
  beat.end();
  beat.hurry();
  await clock.advance(5_000);
  assert.equal(beats.length, 6);
  assert.equal(clock.pendingCount, 0);
});
