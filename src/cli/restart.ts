/**
 * `skep restart`: stops the running node, if there is one, and starts it in the background with the
 * flags that it had; flags given here win. A node that could not start again is not stopped.
 */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { command } from "@optique/core/primitives";
import { examples, pathsOf } from "./_options.ts";
import { requestStop, waitOption } from "./down.ts";
import { findNode } from "./_running_node.ts";
import type { StartRecord } from "../node/mod.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser } from "./command.ts";
import { upOptions } from "./up.ts";
import type { UpOptions } from "./up.ts";

/** The parser of `skep restart`. */
export const restartCommand: CommandParser = command(
  "restart",
  map(
    merge(upOptions, object({ waitSeconds: waitOption })),
    (options) => (io: CliIo) => restart(io, options),
  ),
  {
    brief: message`Stop the running node and start it again in the background.`,
    description:
      message`Stop the running node, wait for its end, and start it in the background. It keeps the flags it was started with; flags given here win. When they are wrong the running node stays up.`,
    footer: examples(
      "skep restart",
      "skep restart --model ./model.gguf",
      "skep restart --set inference.model=embedded",
    ),
  },
);

async function restart(
  io: CliIo,
  options: UpOptions & { readonly waitSeconds: number },
): Promise<number> {
  const { checkDetachable, upDetached } = await import("./_up_detached.ts");
  const paths = pathsOf(io, options);
  const node = await findNode(io, paths);
  const all = node === undefined ? options : withKept(options, node.info.startedWith);
  await checkDetachable(io, all);
  if (node !== undefined) await requestStop(io, { paths, node, waitSeconds: options.waitSeconds });
  return await upDetached(io, all);
}

/** The flags of the running node before those given now, so that the later ones win. */
function withKept(options: UpOptions, kept: StartRecord): UpOptions {
  const set = Object.entries(kept.set).map(([path, value]) => `${path}=${JSON.stringify(value)}`);
  return {
    ...options,
    set: [...set, ...options.set],
    config: options.config ?? kept.configFile,
  };
}
