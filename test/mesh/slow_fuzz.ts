/**
 * A million inputs for each parser of the mesh: half at random, half good ones changed a little. Prints
 * how many were refused and how many taken, and fails at the first one that ends otherwise.
 *
 * Usage: slow_fuzz.ts [COUNT [SEED]]
 */
import process from "node:process";
import { SeededRandom } from "../../src/sim/mod.ts";
import { countOf } from "../_count.ts";
import { allParsers, mutate, survives } from "./_mutations.ts";
import type { Mutation } from "./_mutations.ts";

const [counted = "1000000", seed = "1"] = process.argv.slice(2);
const count = countOf(counted, "the count");
const random = new SeededRandom(countOf(seed, "the seed"));

for (const parser of await allParsers()) {
  const startedMs = performance.now();
  let taken = 0;
  for (let i = 0; i < count; i++) if (survives(parser, input(parser.inputs))) taken += 1;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const refused = count - taken;
  console.log(`${parser.name}: ${count} inputs, ${refused} refused, ${taken} taken, ${seconds} s`);
}

function input(goods: readonly Uint8Array[]): Uint8Array {
  if (random.chance(0.5)) return random.fill(new Uint8Array(random.below(200)));
  const good = goods[random.below(goods.length)] ?? new Uint8Array();
  return mutate(good, Array.from({ length: 1 + random.below(4) }, mutation));
}

function mutation(): Mutation {
  const at = random.uint32() / 2 ** 32;
  const kinds: readonly [Mutation, ...Mutation[]] = [
    { kind: "flip", at, mask: 1 + random.below(255) },
    { kind: "cut", at },
    { kind: "drop", at, count: 1 + random.below(8) },
    { kind: "insert", at, bytes: random.fill(new Uint8Array(1 + random.below(8))) },
    { kind: "repeat", at, count: 1 + random.below(40) },
  ];
  return random.pick(kinds);
}
