/** Goal: what is told follows what is measured, and keeps still at tremors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DampedMeasure } from "../../src/placement/mod.ts";

test("nothing is told before something was measured, and nonsense is no measurement", () => {
  const measure = new DampedMeasure();
  for (const [ms, units] of [[1, 0], [-1, 1], [NaN, 1], [Infinity, 1], [1, -1]] as const) {
    measure.add(ms, units);
  }
  assert.equal(measure.told, undefined);
  measure.add(6, 3);
  assert.equal(measure.told, 2);
});

test("tremors of a tenth are not told, a lasting change is, within some twenty samples", () => {
  const measure = new DampedMeasure();
  for (let i = 0; i < 100; i++) measure.add(i % 2 === 0 ? 9 : 11, 1);
  assert.equal(measure.told, 9);
  const told = new Set<number | undefined>();
  for (let i = 0; i < 20; i++) {
    measure.add(30, 1);
    told.add(measure.told);
  }
  assert.ok((measure.told ?? 0) > 24, `Told ${measure.told}`);
  assert.ok(told.size < 10, "It is told in few steps");
});
