/**
 * What the process and its machine offer, over `node:` builtins that Deno has too.
 *
 * A table of small functions without any policy. Nothing here runs at import, and nothing asks for
 * more than its caller names, so that under Deno each use needs exactly its own permission.
 */
import { homedir, tmpdir, totalmem } from "node:os";
import process from "node:process";
import { maySeeMemory } from "./deno.ts";
import { clearInterval, setInterval } from "node:timers";

/** A signal that a node listens to. */
export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP";

/** The command line after the program's name. */
export function args(): string[] {
  return process.argv.slice(2);
}

/** One environment variable; only this name is touched. */
export function env(name: string): string | undefined {
  return process.env[name];
}

/** The working directory, absolute. */
export function cwd(): string {
  return process.cwd();
}

/** The user's home directory: `HOME`, or what the system knows (Deno: --allow-sys=homedir). */
export function homeDirectory(): string {
  return env("HOME") ?? homedir();
}

/** The system's directory for temporary files (Deno: --allow-env=TMPDIR,TMP,TEMP). */
export function temporaryDirectory(): string {
  return tmpdir();
}

/** The user's number, or `undefined` where there is none (Deno: --allow-sys=uid). */
export function userId(): number | undefined {
  return process.getuid?.();
}

/** This process's number. */
export function pid(): number {
  return process.pid;
}

/** "linux", "darwin", "win32" ... */
export function platformName(): string {
  return process.platform;
}

/** "x64", "arm64" ... */
export function architectureName(): string {
  return process.arch;
}

/** Ends the process at once. */
export function exit(code: number): never {
  process.exit(code);
}

/** Sets what the process ends with when it ends by itself. */
export function setExitCode(code: number): void {
  process.exitCode = code;
}

/** Calls `fn` at each such signal, instead of the default end; the result takes it off again. */
export function onSignal(name: SignalName, fn: () => void): () => void {
  process.on(name, fn);
  return () => void process.off(name, fn);
}

/** Keeps the process alive until the result is called (the ports' timers don't). */
export function holdOpen(): () => void {
  const handle = setInterval(() => {}, 0x7fffffff);
  return () => clearInterval(handle);
}

/** Memory of this process in bytes. */
export function memoryUsage(): { readonly residentBytes: number; readonly heapUsedBytes: number } {
  const { rss, heapUsed } = process.memoryUsage();
  return { residentBytes: rss, heapUsedBytes: heapUsed };
}

/** Memory of the machine in bytes (Deno: --allow-sys=systemMemoryInfo). */
export function totalMemory(): number {
  return totalmem();
}

/**
 * Memory that programs may still take, in bytes, within the limits of this process where there are
 * any; undefined where it may not be known (Deno: --allow-sys=systemMemoryInfo).
 */
export function availableMemory(): number | undefined {
  return maySeeMemory() ? process.availableMemory() : undefined;
}

/** The file of the running program: the runtime's, or a single executable's own. */
export function executablePath(): string {
  return process.execPath;
}
