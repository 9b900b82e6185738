/**
 * Runs the tests of `test/` under Deno: all in packs, or the files and folders that are named.
 *
 * Usage: `deno task test [file, folder or flag of "deno test" ...]`
 */
import process from "node:process";
import { runScript, runVisibly } from "./tools.ts";
import { withPacks } from "./test_packs.ts";

const COMMAND = [
  "test",
  "--parallel",
  "--ignore=test/**/slow_*",
  "--no-check",
  "--no-prompt",
  ...["net", "read", "write", "env", "sys", "run", "ffi"].map((name) => `--allow-${name}`),
];

async function runTests(args: readonly string[]): Promise<void> {
  process.exitCode = await runVisibly([process.execPath, ...COMMAND, ...args]);
}

await runScript(async () => {
  const named = process.argv.slice(2);
  if (named.length === 0) await withPacks(runTests);
  else await runTests(named);
});
