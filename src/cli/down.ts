/** `skep down`: asks the running node to stop, and waits until it has. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { isInstanceHeld } from "../node/mod.ts";
import type { NodePaths } from "../node/mod.ts";
import { examples, jsonOption, pathsOf, placeOptions } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { findNode } from "./_running_node.ts";
import type { FoundNode } from "./_running_node.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** How often the end is looked for. */
const POLL_MS = 50;

/** What `skep down` needs. */
export interface DownOptions extends PlaceOptions {
  readonly json: boolean;
  /** How long to wait for the end. */
  readonly waitSeconds: number;
}

/** `--wait`. */
export const waitOption = withDefault(
  option("--wait", integer({ metavar: "SECONDS", min: 1, max: 3600 }), {
    description: message`Give up waiting for the end after so many seconds (60 by default).`,
  }),
  60,
);

/** The parser of `skep down`. */
export const downCommand: CommandParser = command(
  "down",
  map(
    merge(placeOptions, object({ json: jsonOption, waitSeconds: waitOption })),
    (options) => (io: CliIo) => stopNode(io, options),
  ),
  {
    brief: message`Stop the running node.`,
    description:
      message`Ask the running node to stop, and wait until it has finished what it was doing. The exit code is 3 when no node runs.`,
    footer: examples("skep down", "skep down --wait 5"),
  },
);

/** Stops the node. */
export async function stopNode(io: CliIo, options: DownOptions): Promise<number> {
  const paths = pathsOf(io, options);
  const node = await findNode(io, paths);
  if (node === undefined) {
    if (options.json) io.stdout.write(`${JSON.stringify({ stopped: false })}\n`);
    else io.stdout.write(`No node is running for ${paths.directories.state}\n`);
    return exitCodes.state;
  }
  await requestStop(io, { paths, node, waitSeconds: options.waitSeconds });
  const pid = node.info.pid;
  if (options.json) io.stdout.write(`${JSON.stringify({ stopped: true, pid })}\n`);
  else io.stdout.write(`The node with process id ${pid} has stopped\n`);
  return exitCodes.ok;
}

/** Asks for the end and waits for it. @throws {CliError} when it takes longer than it may */
export async function requestStop(
  io: CliIo,
  about: { readonly paths: NodePaths; readonly node: FoundNode; readonly waitSeconds: number },
): Promise<void> {
  const { paths, node, waitSeconds } = about;
  await node.call("node.stop");
  const until = io.clock.monotonicMs() + waitSeconds * 1000;
  while (!await hasStopped(io, paths)) {
    if (io.clock.monotonicMs() > until) {
      throw new CliError({
        exitCode: exitCodes.failure,
        message:
          `The node with process id ${node.info.pid} is still stopping after ${waitSeconds} s: look at its log`,
      });
    }
    await io.clock.sleep(POLL_MS);
  }
}

/** The instance lock is given back last, so it is what tells that everything is over. */
async function hasStopped(io: CliIo, paths: NodePaths): Promise<boolean> {
  if (await findNode(io, paths) !== undefined) return false;
  // Cheaper than the lock, and gone just before it.
  if (await io.disk.stat(paths.runtimeFile) !== undefined) return false;
  return !io.diskIsReal || !await isInstanceHeld(paths, io.disk);
}
