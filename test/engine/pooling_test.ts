/**
 * From rows to an embedding of length 1.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pool } from "../../src/engine/pooling.ts";

const rows = Float32Array.of(3, 4, 0, 1, 0, 0, 5, -4, 12);

test("pool() takes the first row, the last one, or the mean", () => {
  const of = (pooling: "cls" | "last" | "mean"): number[] => [...pool(rows, { width: 3, pooling })];
  assert.deepEqual(of("cls"), [3 / 5, 4 / 5, 0].map(Math.fround));
  const length = Math.sqrt(25 + 16 + 144);
  assert.deepEqual(of("last"), [5 / length, -4 / length, 12 / length].map(Math.fround));
  assert.deepEqual(of("mean"), [3 / 5, 0, 4 / 5].map(Math.fround));
});

test("pool() gives length 1 at any magnitude, and zeros for zeros", () => {
  for (const magnitude of [1e-30, 1, 1e30]) {
    const hidden = Float32Array.from({ length: 77 }, (_, i) => Math.sin(i + 1) * magnitude);
    const embedding = pool(hidden, { width: 11, pooling: "mean" });
    const length = Math.hypot(...embedding);
    assert.ok(Math.abs(length - 1) < 1e-6, `length ${length}`);
  }
  assert.deepEqual([...pool(new Float32Array(6), { width: 3, pooling: "mean" })], [0, 0, 0]);
});
