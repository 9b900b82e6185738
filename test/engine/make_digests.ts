/**
 * Writes the golden digests with the reference executor: `deno run -A test/engine/make_digests.ts`.
 *
 * They change only with the numeric class.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createReferenceExecutor, numericClass } from "../../src/engine/mod.ts";
import { digestPositions, digestsOf, goldenPath } from "./_digests.ts";
import type { Digests } from "./_digests.ts";
import { fixtureNames, openFixture, testFile } from "./_fixtures.ts";

const reference = JSON.parse(
  readFileSync(testFile("fixtures/models/REFERENCE_LOGITS.json"), "utf8"),
) as Record<string, { ids_with_bos: number[] }>;

const fixtures: Record<string, Digests> = {};
for (const name of fixtureNames) {
  // Models of random weights have the vocabulary of stories260K.
  const model = name.startsWith("baby") ? "babyllama-tok105" : "stories260K";
  const tokens = reference[model]?.ids_with_bos.slice(0, digestPositions) ?? [];
  const executor = await createReferenceExecutor(await openFixture(name));
  fixtures[name] = await digestsOf(executor, tokens);
  console.log(name, fixtures[name]?.logits);
}
writeFileSync(
  testFile(goldenPath),
  JSON.stringify({ numericClass, fixtures }, undefined, 1) + "\n",
);
