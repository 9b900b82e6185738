/** `skep` as a process of its own, from the sources, under the runtime that runs the test. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { TOP } from "../../npm/tools.ts";

const main = join(TOP, "src/main.ts");

/**
 * What `deno run` gets; the documented set is another test's business. Modules that a command does not
 * import are not read, which halves the time of most. Deno itself is to say nothing, such as that it waits
 * for another that looks at `node_modules`.
 */
export const denoFlags: readonly string[] = [
  "--no-prompt",
  "--quiet",
  "--unstable-lazy-dynamic-imports",
  ...["net", "read", "write", "env", "sys", "run"].map((name) => `--allow-${name}`),
];

/** What Node compiled of the sources, as `deno task test:node` has it; Deno has a place of its own. */
const compiled = join(TOP, "node_modules/.cache/node-compile");

/** The command that runs the sources here. */
export const program: readonly string[] = process.versions["deno"] === undefined
  ? [process.execPath, main]
  : [process.execPath, "run", ...denoFlags, main];

/** A started `skep`. */
export interface Started {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  printed(): string;
  /** Its exit code, or the name of the signal that ended it. */
  readonly exit: Promise<number | string>;
}

/** Starts `skep <args>` with everything below `home`, on a free port. */
export function start(
  args: readonly string[],
  options: {
    readonly home: string;
    readonly environment?: Record<string, string>;
    /** Another command that runs the sources. @default program */
    readonly command?: readonly string[];
  },
): Started {
  const [command = "", ...first] = options.command ?? program;
  const child = spawn(command, [...first, ...args], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? options.home,
      SKEP_HOME: options.home,
      SKEP_API_LISTEN: "127.0.0.1:0",
      NODE_COMPILE_CACHE: compiled,
      ...options.environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => text += chunk);
  }
  const exit = new Promise<number | string>((resolve) => {
    child.once("close", (code, signal) => resolve(code ?? signal ?? "?"));
  });
  return { child, printed: () => text, exit };
}

/**
 * Sends a signal. Not by `child.kill`: after that, Deno's node:child_process reports the signal as the
 * end of a process that caught it and ended with a code (2.9.6).
 */
export function signal(started: Started, name: "SIGTERM" | "SIGINT" | "SIGKILL"): void {
  process.kill(started.child.pid ?? 0, name);
}

/** Runs `skep <args>` to its end. */
export async function finish(
  args: readonly string[],
  options: { readonly home: string; readonly environment?: Record<string, string> },
): Promise<{ code: number | string; text: string }> {
  const started = start(args, options);
  return { code: await started.exit, text: started.printed() };
}

/** What runtime.json says once the node is ready. */
export async function untilReady(started: Started, home: string): Promise<RuntimeJson> {
  const path = join(home, "state", "runtime.json");
  for (let waitedMs = 0; waitedMs < 60_000 && started.child.exitCode === null; waitedMs += 25) {
    const info = runtimeJson(path);
    // A node that is about to join writes the file too, before it has an API.
    const isReady = info?.pid === started.child.pid && info?.addresses.api !== undefined;
    if (info !== undefined && isReady) return info;
    await sleep(25);
  }
  started.child.kill("SIGKILL");
  throw new TypeError(`The node did not get ready; it printed:\n${started.printed()}`);
}

/** The file, if it is there: that of a node that was killed goes away while the next one boots. */
function runtimeJson(path: string): RuntimeJson | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** The part of runtime.json that tests look at. */
export interface RuntimeJson {
  readonly pid: number;
  readonly hid: string;
  readonly addresses: { readonly api: string; readonly control: string };
}
