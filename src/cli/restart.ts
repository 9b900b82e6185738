/** `skep restart`: stops the running node, if there is one, and starts it in the background. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { command } from "@optique/core/primitives";
import { examples, pathsOf } from "./_options.ts";
import { requestStop, waitOption } from "./down.ts";
import { findNode } from "./_running_node.ts";
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
      message`Stop the running node, wait for its end, and start one in the background with the options given here.`,
    footer: examples("skep restart", "skep restart --model ./model.gguf"),
  },
);

async function restart(
  io: CliIo,
  options: UpOptions & { readonly waitSeconds: number },
): Promise<number> {
  const { upDetached } = await import("./_up_detached.ts");
  const paths = pathsOf(io, options);
  const node = await findNode(io, paths);
  if (node !== undefined) await requestStop(io, { paths, node, waitSeconds: options.waitSeconds });
  return await upDetached(io, options);
}
