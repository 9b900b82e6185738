/** What the smoke tests share: a place of their own, a running program, a question over HTTP. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { StepError } from "./tools.ts";

/** A node on a busy machine is ready long before. */
const READY_MS_MAX = 60_000;

/** A stop drains; nothing is running here. */
const STOP_MS_MAX = 20_000;

/** Runs `use` with an empty folder that is gone afterwards. */
export async function withEmptyFolder(use: (folder: string) => Promise<void>): Promise<void> {
  // Short, as the node's sockets are below it.
  const folder = mkdtempSync(join(tmpdir(), "sk-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The environment of a fresh user: nothing of the repository, of Deno or of npm's scripts. */
export function freshEnvironment(home: string): Record<string, string> {
  return {
    HOME: home,
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    SKEP_HOME: join(home, "skep"),
    SKEP_API_LISTEN: "127.0.0.1:0",
  };
}

/** Where the node of `freshEnvironment` says that it is ready. */
export function runtimeFileOf(home: string): string {
  return join(home, "skep", "state", "runtime.json");
}

/** A started program and what it has printed so far. */
export interface Running {
  readonly child: ChildProcess;
  printed(): string;
}

/** What `startProgram` needs. */
export interface StartOptions {
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts a program and keeps the end of what it prints. */
export function startProgram(
  [program = "", ...args]: readonly string[],
  { cwd, env }: StartOptions,
): Running {
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const keep = (chunk: { toString(): string }): void => {
    printed = (printed + chunk.toString()).slice(-100_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  return { child, printed: () => printed };
}

/**
 * Waits for a node to write runtime.json, its last step of boot.
 *
 * @returns the API's address, such as "http://127.0.0.1:40001"
 */
export async function waitUntilReady(running: Running, runtimeFile: string): Promise<string> {
  const deadline = Date.now() + READY_MS_MAX;
  while (Date.now() < deadline) {
    if (running.child.exitCode !== null) break;
    if (existsSync(runtimeFile)) {
      const { addresses } = JSON.parse(readFileSync(runtimeFile, "utf8"));
      return String(addresses.api);
    }
    await sleep(50);
  }
  running.child.kill("SIGKILL");
  throw new StepError(`Cannot boot the node, which printed:\n${running.printed()}`);
}

/** Asks for a chat completion and returns the answer's text. */
export async function askChat(api: string): Promise<string> {
  const models = await (await fetch(`${api}/v1/models`)).json();
  const model = models.data?.[0]?.id;
  const response = await fetch(`${api}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model,
      max_tokens: 8,
      temperature: 0,
      messages: [{ role: "user", content: "Once upon a time" }],
    }),
  });
  const text = await response.text();
  const answer = response.ok ? JSON.parse(text).choices?.[0]?.message?.content : undefined;
  if (typeof answer === "string" && answer.length > 0) return answer;
  throw new StepError(`Cannot get an answer from ${api}: status ${response.status}, body ${text}`);
}

/** Sends SIGTERM and expects exit code 0 in time. */
export async function stopCleanly({ child, printed }: Running): Promise<void> {
  const exit = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? String(code)));
  });
  // By its number: after `child.kill`, Deno says "SIGTERM" for a program that exited with 0.
  if (child.pid !== undefined) process.kill(child.pid, "SIGTERM");
  const how = await Promise.race([exit, sleep(STOP_MS_MAX, "no exit", { ref: false })]);
  if (how === "0") return;
  child.kill("SIGKILL");
  throw new StepError(`Cannot stop the node by SIGTERM: ${how}; it printed:\n${printed()}`);
}

/** @throws {StepError} when a text lacks what it should have */
export function expectMatch(
  text: string,
  { pattern, what }: { readonly pattern: RegExp; readonly what: string },
): void {
  if (!pattern.test(text)) throw new StepError(`Cannot find ${pattern} in ${what}:\n${text}`);
}
