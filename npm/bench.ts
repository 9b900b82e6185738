/**
 * Runs the benchmarks, one after the other, each in a process of its own.
 *
 * Usage: `deno task bench [--small] [part of a name ...]`. With `--small` each runs once over small
 * inputs, so that CI sees that it works; its figures then mean nothing.
 */
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import process from "node:process";
import { denoCommand, runScript, runVisibly, StepError, TOP } from "./tools.ts";

const FLAGS = [
  ...["--no-prompt", "--no-check", "--allow-net", "--allow-read", "--allow-write"],
  ...["--allow-env", "--allow-sys", "--allow-run", "--allow-ffi"],
];

function benchFiles(parts: readonly string[]): readonly string[] {
  const folder = join(TOP, "bench");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => name.endsWith("_bench.ts"))
    .filter((name) => parts.length === 0 || parts.some((part) => name.includes(part)))
    .map((name) => join(folder, name))
    .sort();
}

await runScript(async () => {
  const small = process.argv.includes("--small");
  const files = benchFiles(process.argv.slice(2).filter((arg) => arg !== "--small"));
  if (files.length === 0) throw new StepError("Cannot run a benchmark as none has this name");
  for (const file of files) {
    console.log(`== ${relative(TOP, file)}`);
    const [program = "", ...first] = denoCommand();
    const sizes = small ? ["--small"] : [];
    const code = await runVisibly([program, ...first, "run", ...FLAGS, file, ...sizes]);
    if (code !== 0) throw new StepError(`Cannot run ${relative(TOP, file)}: exit code ${code}`);
  }
});
