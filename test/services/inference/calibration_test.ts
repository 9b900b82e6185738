/** Goal: a layer's time is known before anybody asked for an answer, from the quickest of few positions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelExecutor } from "../../../src/engine/mod.ts";
import { measureLayer } from "../../../src/services/inference/calibration.ts";

/** An executor of four layers whose positions take what is given, in a time of its own. */
function executorOf(
  positionsMs: readonly number[],
  pooling?: "cls",
): {
  executor: ModelExecutor;
  clock: { monotonicMs(): number };
  seen: number[];
  dropped: number[];
} {
  let nowMs = 0;
  const seen: number[] = [];
  const dropped: number[] = [];
  const executor = {
    layers: { from: 2, to: 6 },
    shape: { width: 8, family: { pooling } },
    openSession: () => ({ drop: () => dropped.push(nowMs) }),
    forward: (
      layers: unknown,
      [entry]: readonly { firstPosition: number; positionCount: number }[],
      hidden: Float32Array,
    ) => {
      assert.deepEqual(layers, { from: 2, to: 6 });
      assert.equal(hidden.length, 8);
      assert.equal(entry?.firstPosition, seen.length);
      assert.equal(entry?.positionCount, 1);
      const ms = positionsMs[seen.length] ?? 0;
      if (Number.isNaN(ms)) return Promise.reject(new RangeError("no room"));
      seen.push(ms);
      nowMs += ms;
      return Promise.resolve(hidden);
    },
  };
  // Only what a measurement calls.
  const face = executor as unknown as ModelExecutor;
  return { executor: face, clock: { monotonicMs: () => nowMs }, seen, dropped };
}

const { signal } = new AbortController();

test("the quickest position counts, and no more than a few are computed", async () => {
  const { executor, clock, seen, dropped } = executorOf([90, 8, 12, 10, 9, 9, 1, 1]);
  assert.equal(await measureLayer(executor, { clock, signal }), 2);
  assert.equal(seen.length, 6);
  assert.equal(dropped.length, 1);
});

test("a slow node computes one position, and a clock that stands still tells nothing", async () => {
  const slow = executorOf([800, 4]);
  assert.equal(await measureLayer(slow.executor, { clock: slow.clock, signal }), 200);
  assert.equal(slow.seen.length, 1);
  const still = executorOf([]);
  assert.equal(await measureLayer(still.executor, { clock: still.clock, signal }), undefined);
  const encoder = executorOf([4], "cls");
  assert.equal(await measureLayer(encoder.executor, { clock: encoder.clock, signal }), undefined);
  assert.equal(encoder.seen.length, 0);
});

test("an executor without room gives its session back", async () => {
  const { executor, clock, dropped } = executorOf([5, NaN]);
  await assert.rejects(measureLayer(executor, { clock, signal }), /no room/);
  assert.equal(dropped.length, 1);
});
