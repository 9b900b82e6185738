/** How this very program is started again. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { denoMayLoad, denoVersion, isStandaloneDeno } from "./deno.ts";
import { executablePath } from "./node.ts";
import { ENVIRONMENT_ALLOWED, PERMISSION_FLAGS } from "./permissions.ts";
import type { Command } from "./programs.ts";

/** What readiness and the watchdog of systemd need beside the documented permissions. */
const SYSTEMD = { environment: ["NOTIFY_SOCKET", "WATCHDOG_USEC"], programs: ["systemd-notify"] };

/** The command that starts this program with other arguments, as an executable or from its sources. */
export function selfCommand(args: readonly string[]): Command {
  return commandWith(PERMISSION_FLAGS, args);
}

/** The same for a service manager that wants to be told about readiness: systemd. */
export function serviceCommand(args: readonly string[]): Command {
  const environment = [...ENVIRONMENT_ALLOWED, ...SYSTEMD.environment].join(",");
  const flags = PERMISSION_FLAGS.map((flag) =>
    flag.startsWith("--allow-env=") ? `--allow-env=${environment}` : flag
  );
  return commandWith([...flags, `--allow-run=${SYSTEMD.programs.join(",")}`], args);
}

/**
 * `deno run` does not tell the flags that it was started with. So the program gets the documented ones,
 * leave to write anywhere, because the node's folders depend on the arguments, and to load native code
 * of the installed packages where this process may.
 */
function commandWith(denoFlags: readonly string[], args: readonly string[]): Command {
  const program = executablePath();
  const script = process.argv[1];
  const alone = isStandaloneDeno() || script === undefined || script === program ||
    script === process.argv0;
  if (alone) return { program, args };
  if (denoVersion() === undefined) {
    return { program, args: [...process.execArgv, script, ...args] };
  }
  const flags = [...denoFlags, "--allow-write", ...nativeFlags(script)];
  return { program, args: ["run", ...flags, script, ...args] };
}

/** Leave to load native code from where the script's packages are, if this process has it. */
function nativeFlags(script: string): readonly string[] {
  const folder = packagesNear(dirname(resolve(script)));
  // Deno takes commas for separators.
  if (folder === undefined || folder.includes(",") || !denoMayLoad(folder)) return [];
  return [`--allow-ffi=${folder}`];
}

function packagesNear(folder: string): string | undefined {
  const packages = join(folder, "node_modules");
  // Deno looks at where a file really is.
  if (existsSync(packages)) return realpathSync(packages);
  const parent = dirname(folder);
  return parent === folder ? undefined : packagesNear(parent);
}
