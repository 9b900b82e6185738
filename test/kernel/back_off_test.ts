/** The delay between restarts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backOffDelayMs } from "../../src/kernel/back_off.ts";
import { SeededRandom } from "../../src/sim/mod.ts";

test("backOffDelayMs() doubles up to its maximum, with the upper half random", () => {
  const limits = { restartDelayMsMin: 100, restartDelayMsMax: 1_000 };
  const random = new SeededRandom(3);
  for (const [attempt, fullMs] of [[1, 100], [2, 200], [4, 800], [5, 1_000], [2_000, 1_000]]) {
    const delays = Array.from(
      { length: 200 },
      () => backOffDelayMs(attempt ?? 0, { limits, random }),
    );
    assert.ok(delays.every((ms) => ms >= (fullMs ?? 0) / 2 && ms < (fullMs ?? 0)));
    assert.ok(new Set(delays).size > 150, "the jitter does not spread");
  }
});

test("backOffDelayMs() takes its bounds from the random port's extremes", () => {
  const limits = { restartDelayMsMin: 100, restartDelayMsMax: 1_000 };
  const lowest = { fill: (bytes: Uint8Array): Uint8Array => bytes.fill(0) };
  const highest = { fill: (bytes: Uint8Array): Uint8Array => bytes.fill(255) };
  assert.equal(backOffDelayMs(1, { limits, random: lowest }), 50);
  assert.ok(backOffDelayMs(1, { limits, random: highest }) < 100);
});
