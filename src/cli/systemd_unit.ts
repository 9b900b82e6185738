/** `skep systemd-unit`: prints a unit file for the user's or the system's systemd. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import { dirname } from "node:path";
import { examples, pathsOf } from "./_options.ts";
import type { Command } from "../platform/mod.ts";
import type { Disk } from "../ports/mod.ts";
import { ruled } from "./_values.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";
import { exitCodes } from "./exit_code.ts";

const programPath = ruled({
  metavar: "PATH",
  pattern: /^[/%]/,
  rule: "an absolute path, or begin with one of systemd's specifiers, such as %h",
});

/** The parser of `skep systemd-unit`. */
export const systemdUnitCommand: CommandParser = command(
  "systemd-unit",
  map(
    object({
      program: optional(
        option("--program", programPath, {
          description:
            message`The absolute path of the executable, as in a unit (%h/.local/bin/skep, say). Without it, the unit starts this very program.`,
        }),
      ),
    }),
    (options) => async (io: CliIo) => {
      const program = options.program ?? startLine(await ownCommand(io));
      io.stdout.write(systemdUnit(program, placeVariables(io)));
      return exitCodes.ok;
    },
  ),
  {
    brief: message`Print a systemd unit with readiness and watchdog.`,
    footer: examples(
      "skep systemd-unit > ~/.config/systemd/user/skep.service",
      "systemctl --user enable --now skep",
    ),
  },
);

/** This very program; under Deno it may write the node's folders and no others. */
async function ownCommand(io: CliIo): Promise<Command> {
  const { program, args } = io.serviceCommand([]);
  if ([program, ...args].some((word) => word.includes("/_npx/"))) {
    io.stderr.write(
      `Warning: the unit starts a program from npx's cache, which npx may empty: install Deno or Skep for good, or pass --program\n`,
    );
  }
  if (!args.includes(anyFolder)) return { program, args };
  const folders = new Set<string>();
  for (const path of Object.values(pathsOf(io, nowhereElse).directories)) {
    folders.add(await firstMade(io.disk, path));
  }
  // Deno takes commas for separators.
  const areNamed = ![...folders].some((path) => path.includes(","));
  const writing = areNamed ? `${anyFolder}=${[...folders].join(",")}` : anyFolder;
  return { program, args: args.map((arg) => arg === anyFolder ? writing : arg) };
}

/** The flag with which Deno lets a program write anywhere. */
const anyFolder = "--allow-write";

const nowhereElse = { home: undefined, config: undefined };

/** The topmost folder that has to be made for `path`, or `path` when its parent is there. */
async function firstMade(disk: Disk, path: string): Promise<string> {
  const parent = dirname(path);
  if (parent === path || await disk.stat(parent) !== undefined) return path;
  return await firstMade(disk, parent);
}

/** Environment names that decide about the node's places; systemd itself sets XDG_RUNTIME_DIR. */
const PLACE_NAMES = [
  ...["SKEP_HOME", "SKEP_SOCKET_DIR"],
  ...["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"],
];

/** Lines that give the unit the places that are meant here. */
function placeVariables(io: CliIo): string {
  return PLACE_NAMES.flatMap((name) => {
    const value = io.environment(name);
    const text = JSON.stringify(`${name}=${value ?? ""}`.replaceAll("%", "%%"));
    return value === undefined ? [] : [`Environment=${text}\n`];
  }).join("");
}

/** A command as ExecStart wants it: words in quotes where need be, "%" and "$" doubled. */
function startLine({ program, args }: Command): string {
  const words = [program, ...args].map((word) =>
    word.replaceAll("%", "%%").replaceAll("$", "$$$$")
  );
  return words.map((word) => /^[\w%$*=:,./@+-]+$/.test(word) ? word : JSON.stringify(word)).join(
    " ",
  );
}

/**
 * The unit. `Type=notify`: the node says when it is ready; `WatchdogSec`: and that it is alive.
 * `NotifyAccess=all`, because the message is sent by systemd-notify(1), a process of its own.
 * Exit code 3 (a node runs already) and 1 (bad configuration) are not cured by a restart.
 *
 * @param variables lines `Environment=...`, each with its newline
 */
export function systemdUnit(program: string, variables = ""): string {
  return `[Unit]
Description=Skep, a private AI node
After=network.target

[Service]
Type=notify
NotifyAccess=all
ExecStart=${program} up
${variables}WatchdogSec=30
TimeoutStartSec=10min
TimeoutStopSec=60
KillMode=mixed
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=1 2 3

[Install]
WantedBy=default.target
`;
}
