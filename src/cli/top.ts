/** `skep top`: the mesh and this node as they are, again and again. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import { command, flag, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { examples, jsonOption, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";

/** What `skep top` is asked for. */
export interface TopOptions extends PlaceOptions {
  readonly once: boolean;
  readonly json: boolean;
  /** Between two looks, ms; rates are over it. */
  readonly intervalMs: number;
}

/** The parser of `skep top`. */
export const topCommand: CommandParser = command(
  "top",
  map(
    merge(
      object("Top", {
        once: withDefault(
          flag("--once", { description: message`Print one picture and end.` }),
          false,
        ),
        json: jsonOption,
        intervalMs: withDefault(
          option("--interval", integer({ metavar: "MS", min: 100, max: 3_600_000 }), {
            description: message`Milliseconds between two pictures (1000 by default).`,
          }),
          1000,
        ),
      }),
      placeOptions,
    ),
    (options) => async (io: CliIo) => {
      const { top } = await import("./_top.ts");
      return await top(io, options);
    },
  ),
  {
    brief: message`Watch the mesh: peers, stages, tokens per second, hops, events.`,
    description:
      message`Watch the running node and its mesh until Ctrl-C. On a terminal the picture is drawn in place; elsewhere, and with --json, one follows the other, a line of JSON each.`,
    footer: examples("skep top", "skep top --once", "skep top --json | jq .figures"),
  },
);
