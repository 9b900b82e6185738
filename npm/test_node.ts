/**
 * Runs the tests of `test/` under Node 24: all in packs, or the files and folders that are named.
 *
 * Usage: `deno task test:node [file or folder ...]`, with folders and files below `test/`.
 */
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { testFiles, withPacks } from "./test_packs.ts";
import { findNode, runScript, runVisibly, StepError, TOP } from "./tools.ts";

async function runTests(files: readonly string[]): Promise<void> {
  // The top folder has no package.json by design, so Node would warn for each module that it had to
  // look whether it is ESM.
  // Node leaves one core free, which is half of two.
  const concurrency = `--test-concurrency=${Math.max(2, availableParallelism() - 1)}`;
  const flags = [
    "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",
    "--test-reporter=spec",
    concurrency,
  ];
  // Each file is a process, and so are the nodes that tests start: they share what was stripped and
  // compiled of the sources.
  const shared = { NODE_COMPILE_CACHE: join(TOP, "node_modules/.cache/node-compile") };
  // Tests of permissions start a Deno; this one, when it is Deno that runs this.
  const env: Record<string, string> = process.versions["deno"] === undefined
    ? shared
    : { ...shared, SKEP_DENO: process.execPath };
  process.exitCode = await runVisibly([findNode(24), ...flags, "--test", ...files], { env });
}

await runScript(async () => {
  const named = process.argv.slice(2);
  if (named.length === 0) return await withPacks(runTests);
  const files = named.flatMap(testFiles).map((path) => relative(TOP, path));
  if (files.length === 0) throw new StepError("Cannot run tests as no file ends in _test.ts");
  await runTests(files);
});
