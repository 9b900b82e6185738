/** Reads so many mutated frames about journals: `deno run -A test/mesh/slow_log_fuzz.ts 1000000 1`. */
import process from "node:process";
import { SeededRandom } from "../../src/sim/mod.ts";
import { mutatedFrames } from "./_log_fuzz.ts";

const [count = "1000000", seed = "1"] = process.argv.slice(2);
const random = new SeededRandom(Number(seed));
console.log(
  JSON.stringify({
    count: Number(count),
    seed: Number(seed),
    ...mutatedFrames({
      count: Number(count),
      random,
    }),
  }),
);
