import assert from "node:assert/strict";
import { test } from "node:test";
import { realClock } from "../../src/ports/mod.ts";
import { clockContract } from "./_clock_contract.ts";

clockContract("realClock", () => ({
  clock: realClock(),
  pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}));

test("realClock: wall time is the system's", () => {
  assert.ok(Math.abs(realClock().nowMs() - Date.now()) < 1000);
});
