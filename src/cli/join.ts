/** `skep join TICKET`: takes this machine into the mesh of a ticket. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import { argument, command, flag } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { examples } from "./_options.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";
import { upOptions } from "./up.ts";

/** The parser of `skep join`. */
export const joinCommand: CommandParser = command(
  "join",
  map(
    merge(
      object("Join", {
        ticket: argument(string({ metavar: "TICKET" }), {
          description: message`What "skep invite" has printed; - reads it from standard input.`,
        }),
        leave: withDefault(
          flag("--leave", { description: message`Leave the mesh that this node is in.` }),
          false,
        ),
      }),
      upOptions,
    ),
    (options) => async (io: CliIo) => {
      const { join } = await import("./_join.ts");
      return await join(io, options);
    },
  ),
  {
    brief: message`Join the mesh of a ticket.`,
    description:
      message`Join the mesh of a ticket. A node that runs here joins; otherwise one is started, with the options of "skep up". It stays a member, and keeps the model and layers that it was given here: from then on "skep up" is enough.`,
    footer: examples(
      "skep join skep1aduc...",
      "skep join - --detach < ticket.txt",
      "skep join skep1aduc... --model ./model.gguf",
    ),
  },
);
