/**
 * Writes the generated AssemblyScript sources: `deno run -A wasm/gen/main.ts`; `--check` fails when
 * a committed one is not what its generator writes.
 *
 * `wasm/build.ts` compiles what this writes, so run this first.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { blake3BatchSource, blake3Source } from "./blake3.ts";

/** Generated files, below wasm/. */
const SOURCES: ReadonlyMap<string, () => string> = new Map([
  ["blake3/batch.gen.ts", blake3BatchSource],
  ["blake3/compress.gen.ts", blake3Source],
]);

const check = process.argv.includes("--check");
for (const [path, source] of SOURCES) {
  const file = new URL(`../${path}`, import.meta.url);
  const text = source();
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (before === text) continue;
  if (check) {
    console.error(`wasm/${path} is stale: run "deno run -A wasm/gen/main.ts"`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    console.log(`wasm/${path}: ${text.length} characters`);
  }
}
