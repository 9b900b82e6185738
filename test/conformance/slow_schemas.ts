/**
 * Asks a model of random weights for answers to random JSON schemas, through the API, and says how
 * many ended by themselves, parsed and were valid.
 *
 *     deno run -A test/conformance/slow_schemas.ts [COUNT] [synthetic|qwen2|phi-3] [SEED]
 *
 * The same with `node`, 24 or later. Fails when any answer is wrong.
 */
import process from "node:process";
import { countOf } from "../_count.ts";
import { runSchemas } from "./_schemas.ts";
import type { VocabularyName } from "./_schemas.ts";

const [count = "200", vocabulary = "synthetic", seed = "1"] = process.argv.slice(2);
const answers = await runSchemas({
  count: countOf(count, "the count"),
  seed: countOf(seed, "the seed"),
  vocabulary: vocabulary as VocabularyName,
  onAnswer: ({ seed: number, fault }) => {
    if (fault !== undefined) console.error(`seed ${number}: ${fault}`);
  },
});
const right = answers.filter(({ fault }) => fault === undefined).length;
const tokens = answers.reduce((sum, answer) => sum + answer.tokens, 0);
const ms = answers.reduce((sum, answer) => sum + answer.ms, 0);
console.log(
  `${right} of ${answers.length} answers ended, parsed and were valid (${vocabulary}): ` +
    `${tokens} tokens, ${(ms / tokens).toFixed(1)} ms a token`,
);
process.exitCode = right === answers.length && right > 0 ? 0 : 1;
