/**
 * Standard input, output and error. Writing is synchronous, so that an exit loses nothing; for
 * lines and banners, not for bulk.
 */
import { writeSync } from "node:fs";
import process from "node:process";

/** A standard stream. */
export type StandardStream = "stdin" | "stdout" | "stderr";

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

/** The terminal at standard output as it is now; `undefined` when it is none. */
export function terminalSize(): {
  readonly columns: number | undefined;
  readonly rows: number | undefined;
} {
  const { columns, rows } = process.stdout;
  return { columns, rows };
}
