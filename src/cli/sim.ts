/** `skep sim`: a mesh of whole nodes in this process, in virtual time, from a seed. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional, withDefault } from "@optique/core/modifiers";
import { argument, command, flag, option } from "@optique/core/primitives";
import { float, integer, string } from "@optique/core/valueparser";
import { examples, jsonOption } from "./_options.ts";
import { named } from "./_values.ts";
import type { CommandParser, Invocation } from "./command.ts";

/** What `skep sim` is asked for. */
export interface SimOptions {
  /** A file of actions. */
  readonly script: string | undefined;
  readonly nodes: number;
  /** Drawn when undefined. */
  readonly seed: number | undefined;
  /** Virtual time, as "1h". */
  readonly for: string | undefined;
  /** Mean time between two nodes that go, as "20s". */
  readonly churn: string | undefined;
  /** Mean time for which they are away. */
  readonly down: string;
  readonly loss: number;
  /** Runs it twice and compares. */
  readonly replay: boolean;
  /** Prints every event. */
  readonly events: boolean;
  readonly json: boolean;
}

/** The parser of `skep sim`. */
export const simCommand: CommandParser = command(
  "sim",
  map(
    object("Simulation", {
      script: optional(argument(named("SCRIPT"), {
        description:
          message`A file with one action a line: 10s crash 3, or 20s cut 4-6, 30s partition 1-5 | 6-10, 40s heal, 1m restart 3-6, 2m stop 7, 3m churn every 20s down 30s until 50m, 4m check, 1h end. Crash ends the process, cut the power, stop takes leave.`,
      })),
      nodes: withDefault(
        option("--nodes", integer({ metavar: "N", min: 1, max: 512 }), {
          description: message`How many nodes (10 by default).`,
        }),
        10,
      ),
      seed: optional(option("--seed", integer({ metavar: "SEED", min: 0, max: 2 ** 32 - 1 }), {
        description: message`Everything random follows from it; drawn and printed without it.`,
      })),
      for: optional(option("--for", string({ metavar: "TIME" }), {
        description: message`Virtual time: 90s, 10m, 1h (1m by default, or the script's end).`,
      })),
      churn: optional(option("--churn", string({ metavar: "TIME" }), {
        description:
          message`A node goes so often, on average, and comes back later; none without it.`,
      })),
      down: withDefault(
        option("--down", string({ metavar: "TIME" }), {
          description: message`For how long a node is away, on average (30s by default).`,
        }),
        "30s",
      ),
      loss: withDefault(
        option("--loss", float({ metavar: "P", min: 0, max: 0.9 }), {
          description: message`The probability that a packet is lost (0 by default).`,
        }),
        0,
      ),
      replay: withDefault(
        flag("--replay", { description: message`Run it twice: both must be the same.` }),
        false,
      ),
      events: withDefault(flag("--events", { description: message`Print every event.` }), false),
      json: jsonOption,
    }),
    (options): Invocation => async (io) => {
      const { sim } = await import("./_sim.ts");
      return await sim(io, options);
    },
  ),
  {
    brief: message`Simulate a mesh of whole nodes, from a seed.`,
    description:
      message`Boot nodes in this process, over a simulated network and in virtual time, let them crash, part and come back, and check that every node sees exactly those that are there. The exit code is 1 when one does not in time; the seed repeats a run event for event.`,
    footer: examples(
      "skep sim --nodes 20 --churn 20s --for 10m",
      "skep sim --nodes 200 --churn 20s --for 1h --seed 7",
      "printf '10s partition 1-5 | 6-10\\n40s heal\\n' > parted.txt && skep sim parted.txt --nodes 10",
      "skep sim parted.txt --nodes 10 --seed 7 --replay",
      "skep sim --seed 7 --json | jq .digest",
    ),
  },
);
