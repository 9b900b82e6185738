import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { wholeNumber } from "../../src/kernel/mod.ts";

function saidOf(schema: v.GenericSchema<number>, value: unknown): readonly string[] {
  const { issues = [] } = v.safeParse(schema, value);
  return [...new Set(issues.map(({ message }) => message))];
}

test("wholeNumber() takes both ends, and says the range to all else", () => {
  const schema = wholeNumber({ from: -1, to: 7 });
  for (const value of [-1, 0, 7]) assert.equal(v.parse(schema, value), value);
  for (const value of [-2, 8, 1.5, NaN, Infinity, "3", null, undefined]) {
    const said = saidOf(schema, value);
    assert.deepEqual(said, ["it must be a whole number from -1 to 7"], String(value));
  }
});

test("wholeNumber() says what it counts in", () => {
  const schema = wholeNumber({ from: 1, to: 9, unit: "milliseconds" });
  assert.deepEqual(saidOf(schema, 0), ["it must be a whole number of milliseconds from 1 to 9"]);
});

test("wholeNumber() goes to the last number that is exact where no end is given", () => {
  const schema = wholeNumber({ from: 1 });
  assert.equal(v.parse(schema, Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  for (const value of [0, 2 ** 53]) {
    assert.deepEqual(saidOf(schema, value), ["it must be a whole number from 1 to 2^53 - 1"]);
  }
});
