/** `skep invite`: prints a ticket with which one other node can join this one's mesh. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";
import type { Invited } from "../services/network/mod.ts";
import { callNetwork } from "./_network_service.ts";
import { examples, jsonOption, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { formatDuration, painterFor } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** What `skep invite` is asked for. */
export interface InviteOptions extends PlaceOptions {
  readonly trust: "own" | "member";
  /** "90s", "30m", "1h", "2d". */
  readonly expires: string;
  readonly json: boolean;
}

/** The parser of `skep invite`. */
export const inviteCommand: CommandParser = command(
  "invite",
  map(
    merge(
      object("Invite", {
        trust: withDefault(
          option("--trust", choice(["own", "member"], { metavar: "TRUST" }), {
            description:
              message`How far the new node is trusted: own may read prompts, member may compute middle layers.`,
          }),
          "member" as const,
        ),
        expires: withDefault(
          option("--expires", string({ metavar: "TIME" }), {
            description: message`How long the ticket can be used: 90s, 30m, 1h, 2d.`,
          }),
          "1h",
        ),
        json: jsonOption,
      }),
      placeOptions,
    ),
    (options) => (io: CliIo) => invite(io, options),
  ),
  {
    brief: message`Print a ticket with which another node can join.`,
    description:
      message`Print a ticket that is good for one node, once. The first one founds a mesh: from then on this node listens for its members.`,
    footer: examples(
      "skep invite",
      "skep invite --trust own --expires 10m",
      "skep invite --json | jq -r .ticket | ssh attic skep join -",
    ),
  },
);

/** Makes a ticket, and prints it. */
export async function invite(io: CliIo, options: InviteOptions): Promise<number> {
  const { trust, json } = options;
  const expiresMs = millisecondsOf(options.expires);
  // The service answers with what its contract says.
  const invited = await callNetwork(io, {
    place: options,
    method: "mesh.invite",
    params: { trust, expiresMs },
  }) as Invited;
  if (json) io.stdout.write(`${JSON.stringify(invited)}\n`);
  else if (!io.stdout.isTerminal) io.stdout.write(`${invited.ticket}\n`);
  else {
    const paint = painterFor(io, io.stdout);
    const role = trust === "own" ? "node of your own" : "member";
    io.stdout.write(
      `One ${role} can join with this ticket, for ${formatDuration(expiresMs)}. On it:\n\n` +
        `${paint("bold", `skep join ${invited.ticket}`)}\n\n` +
        `Whoever has the ticket can use it, so hand it over as you would a password.\n`,
    );
  }
  if (!json) { for (const note of notesOn(invited)) io.stderr.write(`Note: ${note}\n`); }
  return exitCodes.ok;
}

/** What a person would else find out at the other machine. */
function notesOn({ addresses, missing }: Invited): readonly string[] {
  const isLocal = addresses.every((address) => /^\/ip4\/127\.|^\/ip6\/::1\//.test(address));
  const local = "Only this machine can use the ticket as it names none but loopback addresses";
  return isLocal ? [...missing, local] : missing;
}

const units: ReadonlyMap<string, number> = new Map([
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** @throws {CliError} exit code 2 when it is no time from 1s to 30d */
function millisecondsOf(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * (units.get(unit) ?? 0);
  if (ms >= 1_000 && ms <= 30 * 86_400_000) return ms;
  throw new CliError({
    exitCode: exitCodes.usage,
    message: `Cannot use --expires as it must be a time from 1s to 30d: current value is "${text}"`,
  });
}
