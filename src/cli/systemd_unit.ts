/** `skep systemd-unit`: prints a unit file for the user's or the system's systemd. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { examples } from "./_options.ts";
import type { Command } from "../platform/mod.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";
import { exitCodes } from "./exit_code.ts";

/** The parser of `skep systemd-unit`. */
export const systemdUnitCommand: CommandParser = command(
  "systemd-unit",
  map(
    object({
      program: optional(
        option("--program", string({ metavar: "PATH" }), {
          description:
            message`The absolute path of the executable, as in a unit (%h/.local/bin/skep, say). Without it, the unit starts this very program.`,
        }),
      ),
    }),
    (options) => (io: CliIo) => {
      io.stdout.write(systemdUnit(options.program ?? startLine(io.serviceCommand([]))));
      return Promise.resolve(exitCodes.ok);
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
 */
export function systemdUnit(program: string): string {
  return `[Unit]
Description=Skep, a private AI node
After=network.target

[Service]
Type=notify
NotifyAccess=all
ExecStart=${program} up
WatchdogSec=30
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
