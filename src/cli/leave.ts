/** `skep leave`: takes this machine out of its mesh. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import { command, flag } from "@optique/core/primitives";
import type { MeshStatus } from "../services/network/mod.ts";
import { callNetwork } from "./_network_service.ts";
import { shortIdOf } from "./_node_names.ts";
import { examples, jsonOption, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { forgetJoined } from "./_remember.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** The parser of `skep leave`. */
export const leaveCommand: CommandParser = command(
  "leave",
  map(
    merge(
      object({
        force: withDefault(
          flag("--force", {
            description: message`Leave also a mesh that was founded here and has other members.`,
          }),
          false,
        ),
        json: jsonOption,
      }),
      placeOptions,
    ),
    (options) => (io: CliIo) => leave(io, options),
  ),
  {
    brief: message`Leave the mesh.`,
    description:
      message`Leave the mesh: the links are closed, nothing listens any more, and from its next start on the node has not the model and layers that it was given by "skep join". The node that issued the mesh has it on its roster until "skep peer rm" there.`,
    footer: examples("skep leave"),
  },
);

/** Leaves, and says what is left to do. @throws {CliError} exit code 1 for a founder with members */
export async function leave(
  io: CliIo,
  options: PlaceOptions & { readonly force: boolean; readonly json: boolean },
): Promise<number> {
  const ask = (method: string): Promise<unknown> => callNetwork(io, { place: options, method });
  // The service answers with what its contract says.
  const { state, mesh, key, memberCount } = await ask("mesh.status") as MeshStatus;
  if (state === "issuer" && memberCount > 1 && !options.force) {
    throw new CliError({
      exitCode: exitCodes.failure,
      message:
        `Cannot leave as this node founded the mesh and nobody else can change its roster, which has ${
          memberCount - 1
        } more: remove them by "skep peer rm", or pass --force`,
    });
  }
  const { left } = await ask("mesh.leave") as { readonly left: boolean };
  // The model and layers that it was given with the mesh may be nowhere else.
  if (left) await forgetJoined(io, options);
  if (options.json) io.stdout.write(`${JSON.stringify({ left, mesh })}\n`);
  else if (!left) io.stdout.write("This node is in no mesh\n");
  else {
    const rest = state === "member"
      ? `; to strike it off the roster, "skep peer rm ${shortIdOf(key)}" where the mesh was founded`
      : "";
    io.stdout.write(`Left mesh ${mesh === null ? "" : shortIdOf(mesh)}${rest}\n`);
  }
  return exitCodes.ok;
}
