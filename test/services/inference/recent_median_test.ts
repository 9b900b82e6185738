import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentMedian } from "../../../src/services/inference/recent_median.ts";

test("RecentMedian is the middle of the last samples, the lower of two", () => {
  const median = new RecentMedian(3);
  assert.equal(median.value, undefined);
  const values = [5, 9, 7, 1, 1, 8].map((sample) => {
    median.add(sample);
    return median.value;
  });
  assert.deepEqual(values, [5, 5, 7, 7, 1, 1]);
});
