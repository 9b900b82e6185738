/** Reads so many mutated frames about journals: `deno run -A test/mesh/slow_log_fuzz.ts 1000000 1`. */
import process from "node:process";
import { SeededRandom } from "../../src/sim/mod.ts";
import { countOf } from "../_count.ts";
import { mutatedFrames } from "./_log_fuzz.ts";

const [counted = "1000000", seeded = "1"] = process.argv.slice(2);
const count = countOf(counted, "the count");
const seed = countOf(seeded, "the seed");
const frames = mutatedFrames({ count, random: new SeededRandom(seed) });
console.log(JSON.stringify({ count, seed, ...frames }));
