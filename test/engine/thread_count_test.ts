import assert from "node:assert/strict";
import { test } from "node:test";
import { threadCountFor } from "../../src/engine/_thread_count.ts";

test("threadCountFor() gives small models one thread, others one a core up to eight", () => {
  assert.equal(threadCountFor(undefined, 15_000_000), 1);
  const many = threadCountFor(undefined, 1_100_000_000);
  assert.equal(many, Math.min(8, navigator.hardwareConcurrency));
  assert.equal(threadCountFor(3, 1), 3);
  assert.throws(() => threadCountFor(0, 1), /"threads" must be .* 1 to 32: current value is 0/);
});
