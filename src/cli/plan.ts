/** `skep plan [MODEL]`: who would compute which layers of a model, why, and who could read prompts. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import { argument, command } from "@optique/core/primitives";
import { examples, jsonOption, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { named } from "./_values.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";

/** What `skep plan` is asked for. */
export interface PlanOptions extends PlaceOptions {
  readonly model: string | undefined;
  readonly json: boolean;
}

/** The parser of `skep plan`. */
export const planCommand: CommandParser = command(
  "plan",
  map(
    merge(
      object("Plan", {
        model: optional(argument(named("MODEL"), {
          description: message`A model's name, or the beginning of its root; without it, all.`,
        })),
        json: jsonOption,
      }),
      placeOptions,
    ),
    (options) => async (io: CliIo) => {
      const { plan } = await import("./_plan.ts");
      return await plan(io, options);
    },
  ),
  {
    brief: message`Show who would compute a model, and why.`,
    description:
      message`Show which nodes of the mesh would compute which layers of a model, why each has a place or none, and who could read a prompt. The exit code is 1 when no way leads through all layers.`,
    footer: examples("skep plan", "skep plan stories260K", "skep plan --json | jq .plans"),
  },
);
