import assert from "node:assert/strict";
import { test } from "node:test";
import { LayerPace } from "../../../src/services/inference/layer_pace.ts";

/** Milliseconds of a layer: a call, what all rows share, and the rows. */
function layerMs(rows: number, sharedMs: number): number {
  return 0.5 + sharedMs + rows * 0.5;
}

/** Passes chunks of 12 layers, `ms` at a time; returns the longest of the last ones. */
function pass(pace: LayerPace, options: { sharedMs: number; ms: number; chunks: number }): number {
  const { sharedMs, ms, chunks } = options;
  let longest = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    for (let left = 12; left > 0;) {
      const layers = Math.min(left, pace.layers(ms));
      const took = layers * layerMs(pace.rows, sharedMs);
      pace.observe(layers, took);
      if (chunk > chunks / 2) longest = Math.max(longest, took);
      left -= layers;
    }
    pace.fit(ms);
  }
  return longest;
}

test("LayerPace passes as many rows as one layer of them has time for", () => {
  const pace = new LayerPace();
  assert.equal(pace.rows, 32);
  assert.equal(pace.layers(10), 1);
  assert.ok(pass(pace, { sharedMs: 2, ms: 10, chunks: 20 }) <= 10);
  assert.ok([8, 16].includes(pace.rows));
});

test("LayerPace comes back to more rows where there is time again, and to one where there is none", () => {
  const pace = new LayerPace();
  pass(pace, { sharedMs: 50, ms: 10, chunks: 20 });
  assert.equal(pace.rows, 1);
  pass(pace, { sharedMs: 0, ms: 100, chunks: 20 });
  assert.equal(pace.rows, 32);
  assert.ok(pace.layers(100) > 4);
});
