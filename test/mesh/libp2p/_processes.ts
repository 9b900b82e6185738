/** Mesh nodes in processes of their own, on either runtime. */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { findNode, TOP } from "../../../npm/tools.ts";
import type { Command, Said } from "./_program.ts";

/** A runtime's name. */
export type Runtime = "deno" | "node";

/** The runtime of this process, and the other one. */
export const OWN: Runtime = process.versions["deno"] === undefined ? "node" : "deno";
export const OTHER: Runtime = OWN === "deno" ? "node" : "deno";

/** How a program is started under a runtime; undefined where that is not there. */
function commandOf(runtime: Runtime): readonly string[] | undefined {
  if (runtime === "deno") {
    const deno = OWN === "deno" ? process.execPath : process.env["SKEP_DENO"] ?? "deno";
    if (spawnSync(deno, ["--version"]).status !== 0) return undefined;
    const allowed = ["net", "read", "env", "sys", "ffi"].map((name) => `--allow-${name}`);
    return [deno, "run", "--quiet", "--no-prompt", "--unstable-lazy-dynamic-imports", ...allowed];
  }
  const node = OWN === "node" ? process.execPath : findNode(24);
  return [node, "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"];
}

/** Whether nodes can be started under a runtime. */
export function hasRuntime(runtime: Runtime): boolean {
  return commandOf(runtime) !== undefined;
}

/** A node in a process. */
export interface NodeProcess {
  /** Sends it a signal. (A child's own `kill` sends one only once under Deno.) */
  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  readonly key: string;
  readonly addresses: readonly string[];
  tell(command: Command): void;
  /** The next thing that fits `wanted`, of those not looked at yet. */
  next(wanted: (said: Said) => boolean): Promise<Said>;
  /** All that was said and not looked at. */
  rest(): readonly Said[];
}

/** Starts a node, hands it to `use`, and ends it. */
export async function withProcess(
  options: { readonly runtime: Runtime; readonly seed: number; readonly transport: string },
  use: (node: NodeProcess) => Promise<void>,
): Promise<void> {
  const [program = "", ...flags] = commandOf(options.runtime) ?? [];
  const file = join(TOP, "test/mesh/libp2p/_program.ts");
  const child = spawn(program, [...flags, file, String(options.seed), options.transport], {
    cwd: TOP,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const said: Said[] = [];
  let wake = (): void => {};
  createInterface({ input: child.stdout }).on("line", (line) => {
    said.push(JSON.parse(line));
    wake();
  });
  async function next(wanted: (said: Said) => boolean): Promise<Said> {
    const endMs = Date.now() + 20_000;
    while (Date.now() < endMs) {
      const at = said.findIndex(wanted);
      const found = said[at];
      if (found !== undefined) {
        said.splice(0, at + 1);
        return found;
      }
      await Promise.race([
        new Promise<void>((resolve) => wake = resolve),
        new Promise((resolve) => setTimeout(resolve, 1000)),
      ]);
    }
    throw new RangeError(`The process said in 20 s only ${JSON.stringify(said)}`);
  }
  try {
    const { listening } = await next((each) => each.listening !== undefined);
    if (listening === undefined) throw new RangeError("The process does not listen");
    await use({
      signal: (name) => void process.kill(child.pid ?? 0, name),
      ...listening,
      tell: (command) => void child.stdin.write(`${JSON.stringify(command)}\n`),
      next,
      rest: () => said.splice(0),
    });
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      process.kill(child.pid ?? 0, "SIGKILL");
    }
    if (child.exitCode === null && child.signalCode === null) {
      await new Promise((resolve) => child.once("exit", resolve));
    }
  }
}
