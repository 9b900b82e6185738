import assert from "node:assert/strict";
import { test } from "node:test";
import { runSchemas } from "./_schemas.ts";

test("Answers to random schemas end, parse and are valid; slow_schemas.ts runs as many as one likes", async () => {
  const count = 10 * Number(process.env["SKEP_TEST_RUNS"] ?? "1");
  const answers = await runSchemas({ count, seed: 1000, vocabulary: "synthetic" });
  assert.equal(answers.length, count);
  assert.deepEqual(answers.filter(({ fault }) => fault !== undefined), []);
});
