import assert from "node:assert/strict";
import { test } from "node:test";
import { seedOfChoice } from "../../../src/services/api/choices.ts";

test("seedOfChoice() gives the seed itself first, then others below 2^53", () => {
  assert.equal(seedOfChoice(7, 0), 7);
  assert.equal(seedOfChoice(7, 3), 10);
  assert.equal(seedOfChoice(Number.MAX_SAFE_INTEGER, 0), Number.MAX_SAFE_INTEGER);
  assert.equal(seedOfChoice(Number.MAX_SAFE_INTEGER, 1), 0);
  assert.equal(seedOfChoice(Number.MAX_SAFE_INTEGER - 1, 4), 2);
});
