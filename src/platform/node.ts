/**
 * What the process and its machine offer, over `node:` builtins that Deno has too.
 *
 * A table of small functions without any policy. Nothing here runs at import, and nothing asks for
 * more than its caller names, so that under Deno each use needs exactly its own permission.
 */
import { spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { homedir, tmpdir, totalmem } from "node:os";
import process from "node:process";
import { clearInterval, setInterval } from "node:timers";

/** A signal that a node listens to. */
export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP";

/** A standard stream. */
export type StandardStream = "stdin" | "stdout" | "stderr";

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

/** The user's home directory. */
export function homeDirectory(): string {
  return homedir();
}

/** The system's directory for temporary files. */
export function temporaryDirectory(): string {
  return tmpdir();
}

/** The user's number, or `undefined` where there is none. */
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

/** Whether a process of this number exists, whoever owns it. */
export function isProcessAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (thrown) {
    // "Not permitted" says that somebody else's process is there.
    return thrown instanceof Error && Reflect.get(thrown, "code") === "EPERM";
  }
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

/** Standard input as it comes. */
export async function* stdinBytes(): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of process.stdin) yield chunk;
}

/**
 * Writes all of `text` before it returns, so that an exit right after loses nothing.
 *
 * @returns false when nobody reads any more (a closed pipe)
 */
export function writeOut(text: string): boolean {
  return writeAll(1, text);
}

/** As `writeOut`, to standard error. */
export function writeError(text: string): boolean {
  return writeAll(2, text);
}

function writeAll(fd: number, text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (thrown) {
      // A pipe that another process made non-blocking is full: try again until it is read.
      if (!(thrown instanceof Error) || Reflect.get(thrown, "code") !== "EAGAIN") return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
  return true;
}

/** Whether a standard stream is a terminal. */
export function isTerminal(stream: StandardStream): boolean {
  return process[stream].isTTY === true;
}

/** Columns of the terminal at standard output; `undefined` when it is none. */
export function terminalWidth(): number | undefined {
  return process.stdout.columns;
}

/** Memory of this process in bytes. */
export function memoryUsage(): { readonly residentBytes: number; readonly heapUsedBytes: number } {
  const { rss, heapUsed } = process.memoryUsage();
  return { residentBytes: rss, heapUsedBytes: heapUsed };
}

/** Memory of the machine in bytes. */
export function totalMemory(): number {
  return totalmem();
}

/** The file of the running program: the runtime's, or a single executable's own. */
export function executablePath(): string {
  return process.execPath;
}

/** A program and its arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** Starts a program that outlives this process, without its terminal; gives its number. */
export function spawnDetached(command: Command): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command.program, [...command.args], { detached: true, stdio: "ignore" });
    child.once("error", reject);
    child.once("spawn", () => {
      child.unref();
      resolve(child.pid ?? 0);
    });
  });
}

/** Runs a program to its end; gives its exit code (128 when a signal ended it) and its output. */
export function runCommand(
  command: Command,
): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const stdio = ["ignore", "pipe", "inherit"] as const;
    const child = spawn(command.program, [...command.args], { stdio: [...stdio] });
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => output += text);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 128, output }));
  });
}
