/** `skep log status|tail|range|verify|heads`: reads the journal, whether a node runs or not. */
import { merge, object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { examples, jsonOption, placeOptions } from "./_options.ts";
import { nodeName } from "./_values.ts";
import type { CommandParser, Invocation } from "./command.ts";
import { CliError, exitCodes } from "./exit_code.ts";

const common = merge(placeOptions, object({ json: jsonOption }));

const statusParser = command(
  "status",
  map(common, (options): Invocation => async (io) => {
    const { logStatus } = await import("./_log_reading.ts");
    return await logStatus(io, options);
  }),
  {
    brief: message`Show how far the journal has come.`,
    footer: examples("skep log status", "skep log status --json | jq .seq"),
  },
);

const tailParser = command(
  "tail",
  map(
    merge(
      common,
      object({
        count: withDefault(
          option("-n", "--count", integer({ metavar: "N", min: 1, max: 10_000 }), {
            description: message`How many events (20 by default).`,
          }),
          20,
        ),
      }),
    ),
    (options): Invocation => async (io) => {
      const { logTail } = await import("./_log_reading.ts");
      return await logTail(io, options);
    },
  ),
  {
    brief: message`Show the last events.`,
    footer: examples("skep log tail -n 5", "skep log tail --json | jq -r .chi"),
  },
);

const rangeParser = command(
  "range",
  map(
    merge(
      common,
      object({
        author: optional(option("--author", nodeName("NODE"), {
          description:
            message`Only this author's events: its id or key, the beginning of one (8 digits or more), or its alias.`,
        })),
        from: withDefault(
          option("--from", integer({ metavar: "SEQ", min: 1 }), {
            description: message`The first sequence number (1 by default).`,
          }),
          1,
        ),
        to: optional(option("--to", integer({ metavar: "SEQ", min: 1 }), {
          description: message`The last sequence number; without it, up to the end.`,
        })),
      }),
    ),
    (options): Invocation => async (io) => {
      if (options.to !== undefined && options.to < options.from) {
        throw new CliError({
          exitCode: exitCodes.usage,
          message:
            `Cannot show events as --to must not be before --from: current values are ${options.to} and ${options.from}`,
        });
      }
      const { logRange } = await import("./_log_reading.ts");
      return await logRange(io, options);
    },
  ),
  {
    brief: message`Show events by sequence number.`,
    footer: examples("skep log range --from 100 --to 200", "skep log range --json > events.ndjson"),
  },
);

const verifyParser = command(
  "verify",
  map(common, (options): Invocation => async (io) => {
    const { logVerify } = await import("./_log_verify.ts");
    return await logVerify(io, options);
  }),
  {
    brief: message`Check every line, chain and signature.`,
    description:
      message`Check the whole journal: form, sequence, hash chain, signatures and snapshots. Where retention has removed old days it starts from the signed snapshot that the oldest day left begins with. The end is compared with the head that the node signed last. The exit code is 1 when anything is wrong or missing, or there is no journal.`,
    footer: examples("skep log verify", "skep log verify --json"),
  },
);

const headsParser = command(
  "heads",
  map(common, (options): Invocation => async (io) => {
    const { logHeads } = await import("./_log_heads.ts");
    return await logHeads(io, options);
  }),
  {
    brief: message`Show how far the journals of the mesh's other nodes have come.`,
    description:
      message`Show the last signed head of each other node of the mesh, as this node keeps it, and whether its journal still contains what it had: ok, unproved, fork or shrink. The exit code is 1 when there is a fork or a shrink.`,
    footer: examples("skep log heads", "skep log heads --json | jq '.peers[] | {key, state}'"),
  },
);

/** The parser of `skep log`. */
export const logCommand: CommandParser = command(
  "log",
  or(statusParser, tailParser, rangeParser, verifyParser, headsParser),
  {
    brief: message`Read and verify the journal.`,
    description:
      message`Read the node's signed journal from its files. It works with the node stopped.`,
    footer: examples("skep log status", "skep log tail -n 5", "skep log verify"),
  },
);
