/** `skep up`: runs a node, in this terminal or in the background. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, multiple, optional, withDefault } from "@optique/core/modifiers";
import { command, flag, option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";
import { examples, jsonOption, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { named } from "./_values.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";

/** What `skep up` and `skep restart` are asked for. */
export interface UpOptions extends PlaceOptions {
  readonly model: string | undefined;
  /** "all", "auto" or FROM-TO. */
  readonly layers: string | undefined;
  readonly listen: string | undefined;
  readonly logLevel: "debug" | "info" | "warn" | "error" | undefined;
  readonly set: readonly string[];
  readonly detach: boolean;
  /** Whether the node remembers model and layers once it is ready. */
  readonly save?: boolean;
  /** The command that they are remembered of. @default "skep up --save" */
  readonly savedBy?: string;
  /** Where output goes instead of the terminal; `--detach` sets it. */
  readonly logFile: string | undefined;
  readonly json: boolean;
  /** Runs these services and what they need, and no others; `skep service` sets it. */
  readonly only?: readonly string[];
}

/** The options of `skep up`. */
export const upOptions = merge(
  object("Up", {
    model: optional(option("--model", named("MODEL"), {
      description:
        message`What to serve: a GGUF file, the name of a model that was added, or "embedded", the default.`,
    })),
    layers: optional(option("--layers", string({ metavar: "LAYERS" }), {
      description:
        message`Which layers to compute: "all", the default, "auto" for as many as fit, or FROM-TO, TO not included. Other nodes of the mesh compute the rest.`,
    })),
    listen: optional(option("--listen", string({ metavar: "HOST:PORT" }), {
      description: message`Where the API listens; port 0 picks a free one.`,
    })),
    logLevel: optional(
      option("--log-level", choice(["debug", "info", "warn", "error"], { metavar: "LEVEL" }), {
        description: message`How much the log says.`,
      }),
    ),
    set: multiple(option("--set", string({ metavar: "KEY=VALUE" }), {
      description: message`Any setting of skep.toml, such as api.bodyBytesMax=1000000.`,
    })),
    save: withDefault(
      flag("--save", {
        description:
          message`Remember --model and --layers for the next starts, as "skep join" does; given with others they are remembered anew.`,
      }),
      false,
    ),
    detach: withDefault(
      flag("--detach", { description: message`Run in the background once the node is ready.` }),
      false,
    ),
    logFile: optional(option("--log-file", named("FILE"), {
      description: message`Append all output to this file.`,
      hidden: true,
    })),
    json: jsonOption,
  }),
  placeOptions,
);

/** The parser of `skep up`. */
export const upCommand: CommandParser = command(
  "up",
  map(upOptions, (options) => async (io: CliIo) => {
    const { up } = await import("./_up.ts");
    return await up(io, options);
  }),
  {
    brief: message`Start a node.`,
    description:
      message`Start a node and serve its model until Ctrl-C, SIGTERM or "skep down". A second signal stops it at once.`,
    footer: examples(
      "skep up",
      "skep up --model ./model.gguf --listen 127.0.0.1:8080",
      "skep up --model ./model.gguf --layers 0-12 --save",
      "skep up --detach --json",
    ),
  },
);
