/**
 * Runs the WASM executor over the fixtures and compares with the golden digests, without a test
 * framework: `node test/engine/digest_main.ts`. Exit status 1 on any difference.
 *
 * It is what runs under an emulator of another CPU.
 */
import process from "node:process";
import { loadExecutor, probeMode } from "../../src/engine/mod.ts";
import { digestsOf, readGolden } from "./_digests.ts";
import { openFixture } from "./_fixtures.ts";

const golden = readGolden();
console.log(`${process.arch} ${process.version} probe ${probeMode()} class ${golden.numericClass}`);
let differences = 0;
for (const [name, expected] of Object.entries(golden.fixtures)) {
  const executor = await loadExecutor(await openFixture(name));
  for (const chunk of [expected.tokens.length, 1]) {
    const actual = await digestsOf(executor, expected.tokens, chunk);
    const equal = JSON.stringify(actual) === JSON.stringify(expected) &&
      executor.numericClass === golden.numericClass;
    if (!equal) differences++;
    console.log(`${equal ? "equal" : "DIFFERENT"} ${name} by ${chunk} ${actual.logits}`);
  }
  executor.close();
}
if (differences > 0) process.exitCode = 1;
