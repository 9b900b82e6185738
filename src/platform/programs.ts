/** Starting other programs (Deno: --allow-run). */
import { spawn } from "node:child_process";

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
