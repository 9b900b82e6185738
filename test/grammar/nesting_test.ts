// Goal: depth is counted right, and of any depth without a stack.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isNestedDeeper } from "../../src/grammar/mod.ts";

test("Arrays and objects count, and nothing else does", () => {
  assert.equal(isNestedDeeper("x", 0), false);
  assert.equal(isNestedDeeper(null, 0), false);
  assert.equal(isNestedDeeper([], 0), true);
  assert.equal(isNestedDeeper([{ a: 1 }, 2], 2), false);
  assert.equal(isNestedDeeper([2, { a: [] }], 2), true);
});

test("A value that is deeper than the stack is looked at", () => {
  let deep: unknown = 1;
  for (let i = 0; i < 200_000; i++) deep = { deep };
  assert.equal(isNestedDeeper(deep, 200_000), false);
  assert.equal(isNestedDeeper(deep, 199_999), true);
});
