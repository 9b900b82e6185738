/** Goal: a stage that is killed in the middle of an answer changes nothing of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { killStages } from "./stage_kill.ts";

test("a stream goes on, byte for byte, when a stage of a mesh of processes is killed", async () => {
  const { rounds } = await killStages({ rounds: 1, how: "kill", seed: 4, maxTokens: 24 });
  assert.equal(rounds.length, 1);
  assert((rounds[0]?.pieces ?? 0) > 1);
});
