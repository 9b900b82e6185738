/** Runs a script of these tests in a process of its own, under the runtime that runs the test. */
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

/** A running child. */
export interface Child {
  /** Its process, for its streams. */
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  /** Resolves when it is really gone; Deno fills `signalCode` in as soon as a signal is sent. */
  readonly ended: Promise<void>;
}

/** Starts `script` (a URL) with arguments. */
export function startChild(script: URL, args: readonly string[]): Child {
  const deno = "Deno" in globalThis
    ? ["run", "-A", "--no-check", "--unstable-lazy-dynamic-imports"]
    : [];
  const command = [...deno, fileURLToPath(script), ...args];
  const child = spawn(process.execPath, command, { stdio: ["pipe", "pipe", "ignore"] });
  return { process: child, ended: new Promise((resolve) => child.once("exit", () => resolve())) };
}

/** Kills it as the system does when memory is short, and waits until it is gone. */
export async function kill(child: Child): Promise<void> {
  child.process.kill("SIGKILL");
  await child.ended;
}

/** Resolves when the child has written a line; rejects when it ends before. */
export function firstLine(child: Child): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.process.stdout.on("data", (chunk: Uint8Array) => {
      text += new TextDecoder().decode(chunk);
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end));
    });
    void child.ended.then(() => reject(new TypeError("the child ended without a line")));
  });
}
