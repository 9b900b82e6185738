/**
 * Makes one executable: `dist/skep`.
 *
 * By `deno compile` where its runtime can be had (downloaded, or named by `DENORT_BIN`), otherwise
 * in Node's single-executable format, with Node 26 from npm. Both embed the same bundle, so neither
 * needs a folder of packages. It says which was made.
 *
 * Usage: `deno task compile [--runtime deno|node]`; with `deno` by name there is no falling back.
 */
import { mkdirSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import process from "node:process";
import { bundleProgram } from "./bundle.ts";
import { EXECUTABLE_NODE_MAJOR, makeNodeExecutable } from "./node_executable.ts";
import { EXECUTABLE_PERMISSION_FLAGS } from "./permissions.ts";
import { denoCommand, EXECUTABLE_FOLDER, runCommand, runScript, StepError, TOP } from "./tools.ts";

const EXECUTABLE = join(EXECUTABLE_FOLDER, "skep");
const BUILD_FOLDER = join(EXECUTABLE_FOLDER, "build");

type Runtime = "deno" | "node";

await runScript(async () => {
  await Promise.resolve();
  const wanted = wantedRuntime(process.argv.slice(2));
  rmSync(EXECUTABLE_FOLDER, { recursive: true, force: true });
  mkdirSync(BUILD_FOLDER, { recursive: true });
  const bundle = bundleProgram({ entry: "src/main.ts", folder: BUILD_FOLDER });
  const made = make(bundle, wanted);
  const { size } = statSync(EXECUTABLE);
  console.log(`${relative(TOP, EXECUTABLE)}: made by ${made}, ${size} bytes`);
});

function wantedRuntime(args: readonly string[]): Runtime | undefined {
  const [flag, value, ...rest] = args.filter((arg) => arg !== "--");
  if (flag === undefined) return undefined;
  if (flag === "--runtime" && (value === "deno" || value === "node") && rest.length === 0) {
    return value;
  }
  throw new StepError(
    `Cannot compile as the only option is --runtime deno or --runtime node: got "${
      args.join(" ")
    }"`,
  );
}

function make(bundle: string, wanted: Runtime | undefined): string {
  if (wanted !== "node") {
    const refusal = tryDeno(bundle);
    if (refusal === undefined) return "deno compile";
    const named = wanted === "deno" || process.env["DENORT_BIN"] !== undefined;
    if (named) throw new StepError(`Cannot make the executable by deno compile: ${refusal}`);
    console.log(`deno compile can't be had here (${refusal.split("\n")[0]}); using Node's format`);
  }
  makeNodeExecutable({ bundle, folder: BUILD_FOLDER, output: EXECUTABLE });
  return `Node's single-executable format (Node ${EXECUTABLE_NODE_MAJOR})`;
}

/** Tries `deno compile`; returns what it said when its runtime can't be had. */
function tryDeno(bundle: string): string | undefined {
  const flags = [...EXECUTABLE_PERMISSION_FLAGS, "--no-check", "--no-config"];
  try {
    const command = [...denoCommand(), "compile", ...flags, "--output", EXECUTABLE, bundle];
    runCommand(command, { cwd: BUILD_FOLDER });
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof StepError)) throw thrown;
    return /error sending request[^\n]*/.exec(thrown.message)?.[0] ?? thrown.message;
  }
}
