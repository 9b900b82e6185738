/**
 * What the shipping scripts share: running a command, finding the tools, the manifest.
 *
 * Not part of the library. Newer Nodes come from npm's `node-<os>-<cpu>` packages and are kept
 * below `node_modules/.cache`, which version control, formatter and tidy test leave alone.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The repository's top folder, with no slash at the end. */
export const TOP: string = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** Where the tarball and what leads to it are written. */
export const PACK_FOLDER: string = join(TOP, "npm", "dist");

/** Where the executable is written. */
export const EXECUTABLE_FOLDER: string = join(TOP, "dist");

/** The Deno that CI uses, for scripts that are run by Node. */
const DENO_VERSION = "2.9.6";

/** A step that failed; the message says which and how. */
export class StepError extends Error {
  override readonly name = "StepError";
}

/** How a command is run. */
export interface RunOptions {
  /** @default the repository's top folder */
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** @default 600000 */
  readonly timeoutMs?: number;
}

/** What a command printed. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end.
 *
 * @throws {StepError} when it can't be started, takes too long or does not exit with 0; the message
 * carries what it printed
 */
export function runCommand(command: readonly string[], options: RunOptions = {}): Printed {
  const [program = "", ...args] = command;
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    cwd: options.cwd ?? TOP,
    env: { ...process.env, ...options.env },
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: options.timeoutMs ?? 600_000,
  });
  if (status === 0) return { stdout, stderr };
  const how = error?.message ?? (signal === null ? `exit code ${status}` : `signal ${signal}`);
  const printed = [stdout, stderr].filter((text) => text?.trim()).join("\n");
  throw new StepError(`Cannot run "${command.join(" ")}": ${how}\n${printed}`);
}

/** Runs a command with this process's streams; resolves with its exit code (1 for a signal). */
export function runVisibly(command: readonly string[], options: RunOptions = {}): Promise<number> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? TOP,
      env: { ...process.env, ...options.env },
      stdio: "inherit",
    });
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

/** Begins a Deno command: this process's own Deno, else the pinned one by npx. */
export function denoCommand(): readonly string[] {
  const own = process.versions["deno"] !== undefined;
  return own ? [process.execPath] : ["npx", "-y", `deno@${DENO_VERSION}`];
}

/**
 * Path of a Node of the given major version, or a later one where `SKEP_NODE_<major>` says so;
 * installed by npm on first use.
 *
 * @throws {StepError} when npm has none for this machine, or can't be reached
 */
export function findNode(major: number): string {
  const named = process.env[`SKEP_NODE_${major}`];
  if (named !== undefined && named !== "") return named;
  return installedNode({ major, platform: `${process.platform}-${process.arch}` });
}

/** Path of npm's Node for a platform such as "linux-arm64", installed on first use. */
export function installedNode(
  { major, platform }: { readonly major: number; readonly platform: string },
): string {
  const folder = join(TOP, "node_modules", ".cache", `node-${major}-${platform}`);
  const binary = join(folder, "node_modules", `node-${platform}`, "bin", "node");
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  const [os = "", cpu = ""] = platform.split("-");
  const flags = ["--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--prefix", folder];
  // `--force` as npm refuses packages for another processor, and arm64's is run by an emulator.
  const foreign = cpu === process.arch ? [] : ["--force", "--os", os, "--cpu", cpu];
  runCommand(["npm", "install", ...flags, ...foreign, `node-${platform}@${major}`]);
  if (existsSync(binary)) return binary;
  throw new StepError(`Cannot find Node ${major} for ${platform} as npm left none at "${binary}"`);
}

/** The parts of deno.json that shipping uses. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
}

/** Reads deno.json. */
export function readManifest(): Manifest {
  const manifest: Manifest = JSON.parse(readFileSync(join(TOP, "deno.json"), "utf8"));
  return manifest;
}

/** Runs a script's main function; a StepError is printed without its stack, and exits with 1. */
export async function runScript(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (thrown) {
    if (!(thrown instanceof StepError)) throw thrown;
    console.error(thrown.message);
    process.exitCode = 1;
  }
}
