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
import { CliError, exitCodes, sentenceOf } from "./exit_code.ts";
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
    brief:
      message`Stop the running node and start it again in the background; start one when none runs.`,
    description:
      message`Stop the running node, wait for its end, and start it in the background. It keeps the flags it was started with; flags given here win. When they are wrong, or the model cannot be run, the running node stays up. When none runs, it starts one.`,
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
  if (node === undefined) return await upDetached(io, all);
  await requestStop(io, { paths, node, waitSeconds: options.waitSeconds });
  try {
    return await upDetached(io, all);
  } catch (thrown) {
    throw notBack(
      thrown,
      withKept({ ...options, config: undefined, set: [] }, node.info.startedWith),
    );
  }
}

/** The old node is gone, and with it what it was started with; the sentence keeps that. */
function notBack(thrown: unknown, old: UpOptions): CliError {
  const { home, config, set } = old;
  const flags = [["--home", home], ["--config", config], ...set.map((value) => ["--set", value])]
    .flatMap(([name, value]) => value === undefined ? [] : [`${name} ${shellWord(value)}`]);
  const again = ["skep up --detach", ...flags].join(" ");
  return new CliError({
    exitCode: thrown instanceof CliError ? thrown.exitCode : exitCodes.failure,
    message: `${sentenceOf(thrown)}\n` +
      `The node that ran before has stopped; to start it as it was: ${again}`,
    cause: thrown,
  });
}

/** A word as a POSIX shell reads it back. */
function shellWord(word: string): string {
  return /^[\w%+,./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
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
