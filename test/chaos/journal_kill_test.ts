/** A small run of journal_kill.ts; the long one is run by hand. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { killRounds } from "./journal_kill.ts";

test("no acknowledged event is lost when the process is killed", { timeout: 120_000 }, async () => {
  const rounds = 3 * Number(process.env["SKEP_TEST_RUNS"] ?? 1);
  const report = await killRounds({ rounds, appends: 200, seed: 7 });
  assert.ok(report.killed > 0, JSON.stringify(report));
  assert.ok(report.events >= report.acknowledged);
});
