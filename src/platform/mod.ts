/**
 * The few things in which runtimes differ, and all that a process asks of its system: arguments,
 * environment, signals, standard streams, memory, programs. No policy.
 *
 * @module
 */
import process from "node:process";
import { denoVersion } from "./deno.ts";

export { maySeeAddresses } from "./deno.ts";

export { decodeEmbedded } from "./base64.ts";
export {
  architectureName,
  args,
  availableMemory,
  cwd,
  env,
  executablePath,
  exit,
  holdOpen,
  homeDirectory,
  memoryUsage,
  onSignal,
  pid,
  platformName,
  setExitCode,
  temporaryDirectory,
  totalMemory,
  userId,
} from "./node.ts";
export type { SignalName } from "./node.ts";
export { ENVIRONMENT_ALLOWED, PERMISSION_FLAGS, SYSTEM_FLAG } from "./permissions.ts";
export { mayRun, runCommand, spawnDetached } from "./programs.ts";
export type { Command, DetachedProgram } from "./programs.ts";
export { isTerminal, stdinBytes, terminalSize, writeError, writeOut } from "./standard_streams.ts";
export type { StandardStream } from "./standard_streams.ts";
export { selfCommand, serviceCommand } from "./self_command.ts";
export { stdinLines } from "./stdin_lines.ts";
export { workerUrl } from "./worker_sources.ts";

/** Which runtime this is. */
export function runtimeName(): "deno" | "node" {
  return denoVersion() === undefined ? "node" : "deno";
}

/** The runtime's own version, without a leading "v". */
export function runtimeVersion(): string {
  return denoVersion() ?? process.versions.node;
}
