/** How this very program is started again. */
import process from "node:process";
import { denoVersion, isStandaloneDeno } from "./deno.ts";
import { executablePath } from "./node.ts";
import type { Command } from "./programs.ts";

/**
 * Flags for `deno run`, which does not tell those that it was started with: the documented ones, with
 * leave to write anywhere, because the node's folders depend on the arguments.
 */
const DENO_FLAGS = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env=SKEP_*,XDG_*,HOME",
  "--ignore-env",
];

/** The command that starts this program with other arguments, as an executable or from its sources. */
export function selfCommand(args: readonly string[]): Command {
  const program = executablePath();
  const script = process.argv[1];
  const alone = isStandaloneDeno() || script === undefined || script === program ||
    script === process.argv0;
  if (alone) return { program, args };
  if (denoVersion() !== undefined) {
    return { program, args: ["run", ...DENO_FLAGS, script, ...args] };
  }
  return { program, args: [...process.execArgv, script, ...args] };
}
