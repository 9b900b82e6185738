/** What `skep up` does in this process: boots the node, says how to reach it, waits for its end. */
import { run } from "../node/mod.ts";
import type { LogTarget, RunningNode } from "../node/mod.ts";
import { greet } from "./_greeting.ts";
import { LogFile } from "./_log_file.ts";
import { absolutePath } from "./_options.ts";
import { ModelProgress } from "./_progress.ts";
import { keepChoices } from "./_remember.ts";
import { painterFor } from "./_style.ts";
import { flagConfig } from "./_up_config.ts";
import { upDetached } from "./_up_detached.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, errorPrefix, exitCodes, sentenceOf } from "./exit_code.ts";
import type { UpOptions } from "./up.ts";

/** Runs the command. */
export async function up(io: CliIo, options: UpOptions): Promise<number> {
  if (options.detach) return await upDetached(io, options);
  if (options.logFile === undefined) return await upHere(io, options);
  const file = new LogFile(io.disk, options.logFile);
  try {
    return await upHere({ ...io, stderr: file.output, stdout: file.output }, options);
  } catch (thrown) {
    // Nobody sees the terminal of a node in the background; who started it looks for this line.
    file.output.write(`${errorPrefix}${sentenceOf(thrown)}\n`);
    throw thrown;
  } finally {
    await file.close();
  }
}

/**
 * The first signal drains, the second forces. The listeners stay until the process ends: a signal
 * that comes while it does would be the end of it.
 */
async function upHere(io: CliIo, options: UpOptions): Promise<number> {
  const stopping = new AbortController();
  const forced = Promise.withResolvers<never>();
  forced.promise.catch(() => {});
  let node: RunningNode | undefined;
  function onSignal(): void {
    if (!stopping.signal.aborted) {
      stopping.abort(new DOMException("Stopped by a signal", "AbortError"));
    } else if (node !== undefined) node.stop({ force: true });
    // A boot that does not even stop is left behind; what it holds ends with the process.
    else forced.reject(new CliError({ exitCode: exitCodes.interrupted, message: "Interrupted" }));
  }
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) io.onSignal(name, onSignal);
  const progress = new ModelProgress(io);
  try {
    const booting = bootNode(io, { options, progress, signal: stopping.signal });
    node = await Promise.race([booting, forced.promise]);
    progress.clear();
    await keepChoices(io, options);
    await sayReady(io, { node, json: options.json, stopping: stopping.signal });
    await node.closed;
    return exitCodes.ok;
  } catch (thrown) {
    if (thrown === stopping.signal.reason) return exitCodes.ok;
    throw thrown;
  } finally {
    progress.clear();
  }
}

/** Boots the node that the options describe. */
export async function bootNode(
  io: CliIo,
  about: {
    readonly options: UpOptions;
    readonly progress: ModelProgress;
    readonly signal: AbortSignal;
  },
): Promise<RunningNode> {
  const { options, progress, signal } = about;
  const { config, flags } = flagConfig(io, options);
  const home = absolutePath(io, options.home);
  const configFile = absolutePath(io, options.config);
  const { clock, random, network, disk, environment } = io;
  return await run(config, {
    ...(home === undefined ? {} : { home }),
    ...(configFile === undefined ? {} : { configFile }),
    ...(options.only === undefined ? {} : { only: options.only }),
    ...{ clock, random, network, environment, flags, signal },
    // The real disk is the default; naming it would take the tables away from SQLite's own files.
    ...(io.diskIsReal ? {} : { disk }),
    log: logTarget(io),
    onProgress: (event) => progress.show(event),
  });
}

function logTarget(io: CliIo): LogTarget {
  const coloured = painterFor(io, io.stderr)("dim", "") !== "";
  return {
    write: (line) => io.stderr.write(line),
    form: coloured ? "ansi" : io.stderr.isTerminal ? "text" : "json",
  };
}

async function sayReady(
  io: CliIo,
  about: { readonly node: RunningNode; readonly json: boolean; readonly stopping: AbortSignal },
): Promise<void> {
  const { node, json, stopping } = about;
  const status = node.status();
  if (json) return io.stdout.write(`${JSON.stringify({ running: true, ...status })}\n`);
  const gone = new AbortController();
  const onGone = (): void => gone.abort();
  // It may end by itself, or be stopped through its socket, while it is asked for its model.
  node.closed.then(onGone, onGone);
  await greet(io, { status, signal: AbortSignal.any([stopping, gone.signal]) });
}
