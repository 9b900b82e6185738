/** Starting other programs (Deno: --allow-run). */
import { spawn } from "node:child_process";
import { denoMayRun } from "./deno.ts";

/** A program and its arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** A program that was started and goes on by itself. */
export interface DetachedProgram {
  /** Its number. */
  readonly pid: number;
  /** Its exit code once it has ended (128 when a signal ended it), as far as this process saw it. */
  exitCode(): number | undefined;
}

/** Starts a program that outlives this process, without its terminal. */
export function spawnDetached(command: Command): Promise<DetachedProgram> {
  return new Promise((resolve, reject) => {
    const child = spawn(command.program, [...command.args], { detached: true, stdio: "ignore" });
    let exitCode: number | undefined;
    child.once("exit", (code) => exitCode = code ?? 128);
    child.once("error", reject);
    child.once("spawn", () => {
      child.unref();
      resolve({ pid: child.pid ?? 0, exitCode: () => exitCode });
    });
  });
}

/** Whether this process may start `program`: always, save where Deno's permissions say no. */
export async function mayRun(program: string): Promise<boolean> {
  return await denoMayRun(program) ?? true;
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
