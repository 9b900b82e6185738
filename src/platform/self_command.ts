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
  "--ignore-env",
];

/** Environment names that are read. */
const DENO_ENVIRONMENT = ["SKEP_*", "XDG_*", "HOME"];

/** What readiness and the watchdog of systemd need beside them. */
const SYSTEMD = { environment: ["NOTIFY_SOCKET", "WATCHDOG_USEC"], programs: ["systemd-notify"] };

/** The command that starts this program with other arguments, as an executable or from its sources. */
export function selfCommand(args: readonly string[]): Command {
  return commandWith([`--allow-env=${DENO_ENVIRONMENT.join(",")}`], args);
}

/** The same for a service manager that wants to be told about readiness: systemd. */
export function serviceCommand(args: readonly string[]): Command {
  const environment = [...DENO_ENVIRONMENT, ...SYSTEMD.environment].join(",");
  const programs = SYSTEMD.programs.join(",");
  return commandWith([`--allow-env=${environment}`, `--allow-run=${programs}`], args);
}

function commandWith(denoFlags: readonly string[], args: readonly string[]): Command {
  const program = executablePath();
  const script = process.argv[1];
  const alone = isStandaloneDeno() || script === undefined || script === program ||
    script === process.argv0;
  if (alone) return { program, args };
  if (denoVersion() !== undefined) {
    return { program, args: ["run", ...DENO_FLAGS, ...denoFlags, script, ...args] };
  }
  return { program, args: [...process.execArgv, script, ...args] };
}
