/** `skep up --detach`: starts this program again in the background and waits until it is ready. */
import { join } from "node:path";
import { makeDirectoryDurably, readWholeFile } from "../ports/mod.ts";
import type { Disk } from "../ports/mod.ts";
import { absolutePath, pathsOf } from "./_options.ts";
import { isRecord } from "./_records.ts";
import { findNode } from "./_running_node.ts";
import { greet } from "./_greeting.ts";
import { checkModel, isModelName, modelSetting } from "./_model_argument.ts";
import { checkLogFile } from "./_log_file.ts";
import { keepChoices } from "./_remember.ts";
import { StartProgress } from "./_start_progress.ts";
import { safeText } from "./_style.ts";
import { flagConfig } from "./_up_config.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, errorPrefix, exitCodes } from "./exit_code.ts";
import type { NodePaths, NodeStatus } from "../node/mod.ts";
import type { DetachedProgram } from "../platform/mod.ts";
import type { UpOptions } from "./up.ts";

/** How often the new node is looked for. */
const POLL_MS = 50;

/** The log of a node in the background is not read beyond this. */
const LOG_BYTES_MAX = 64 * 2 ** 20;

/** Starts a node in the background. */
export async function upDetached(io: CliIo, options: UpOptions): Promise<number> {
  await checkDetachable(io, options);
  const paths = pathsOf(io, options);
  const running = await findNode(io, paths);
  if (running !== undefined) {
    throw new CliError({
      exitCode: exitCodes.state,
      message:
        `Cannot start a node as one is already running: process ${running.info.pid}; stop it with "skep down"`,
    });
  }
  const logFile = join(paths.directories.state, "skep.log");
  // Else a node that can't start could not say why.
  await checkPlaces(io.disk, { paths, logFile });
  const logStart = (await io.disk.stat(logFile))?.sizeBytes ?? 0;
  const started = await io.startDetached(detachedArguments(io, { options, logFile }));
  const status = await waitUntilReady(io, { paths, started, logFile, logStart });
  await keepChoices(io, options);
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ running: true, logFile, ...status })}\n`);
    return exitCodes.ok;
  }
  await greet(io, { status, logFile, signal: new AbortController().signal });
  return exitCodes.ok;
}

/**
 * Checks all settings and the model as the new node will, so that a mistake is told here and not in
 * its log; and that there may be a process in the background at all.
 *
 * @throws {CliError} exit code 2 for a `--set` that is not KEY=VALUE, 1 without the permission
 * @throws {NodeError} code "config" with every violation
 * @throws {ModelError} when the model is none, or is not there
 */
export async function checkDetachable(io: CliIo, options: UpOptions): Promise<void> {
  const { loadNodeConfiguration } = await import("../node/mod.ts");
  const { config, flags } = flagConfig(io, options);
  const { environment, disk } = io;
  const file = options.config === undefined ? "optional" : "required";
  const paths = pathsOf(io, options);
  const { values } = await loadNodeConfiguration({ paths, environment, disk, file, config, flags });
  const inference: unknown = values["inference"];
  const model = isRecord(inference) ? inference["model"] : undefined;
  if (!await io.mayStartDetached()) throw mayNotStart();
  // Like everything above: before a running node is stopped for this.
  if (typeof model === "string") await checkModelHere(io, { options, model, paths });
}

/** A name that no file here has may be that of a model of the mesh, which the node itself looks for. */
async function checkModelHere(
  io: CliIo,
  about: { readonly options: UpOptions; readonly model: string; readonly paths: NodePaths },
): Promise<void> {
  const { options, model, paths } = about;
  try {
    await checkModel(io, { place: options, model });
  } catch (thrown) {
    const { ModelError } = await import("../model/mod.ts");
    const { hasMesh } = await import("../services/network/mod.ts");
    const isUnknown = thrown instanceof ModelError && thrown.code === "not-found" &&
      isModelName(model);
    if (!isUnknown || !await hasMesh(io.disk, paths.directories.state)) throw thrown;
  }
}

function mayNotStart(): CliError {
  return new CliError({
    exitCode: exitCodes.failure,
    message:
      'Cannot start a node in the background as Deno lets this process run no programs: run "skep up" in the foreground, pass --allow-run to deno, or use Node or the executable',
  });
}

/** Says of a home that cannot be written what the node itself would say of it. */
async function checkPlaces(
  disk: Disk,
  { paths, logFile }: { readonly paths: NodePaths; readonly logFile: string },
): Promise<void> {
  try {
    const { config, state } = paths.directories;
    for (const path of [config, state]) {
      if (await disk.stat(path) === undefined) await makeDirectoryDurably(disk, { path });
    }
  } catch (thrown) {
    const { NodeError } = await import("../node/mod.ts");
    throw NodeError.from(thrown, { code: "paths", doing: "create the node's directories" });
  }
  await checkLogFile(disk, logFile);
}

/** The same flags with absolute paths, as the other process may have another working directory; names stay. */
function detachedArguments(
  io: CliIo,
  about: { readonly options: UpOptions; readonly logFile: string },
): string[] {
  const { options, logFile } = about;
  const flags: readonly (readonly [string, string | undefined])[] = [
    ["--model", options.model === undefined ? undefined : modelSetting(io, options.model)],
    ["--layers", options.layers],
    ["--home", absolutePath(io, options.home)],
    ["--config", absolutePath(io, options.config)],
    ["--listen", options.listen],
    ["--log-level", options.logLevel],
    ["--log-file", logFile],
    ...options.set.map((value): readonly [string, string] => ["--set", value]),
  ];
  const given = flags.flatMap(([name, value]) => value === undefined ? [] : [`${name}=${value}`]);
  return ["up", ...given];
}

async function waitUntilReady(
  io: CliIo,
  about: {
    readonly paths: NodePaths;
    readonly started: DetachedProgram;
    readonly logFile: string;
    readonly logStart: number;
  },
): Promise<NodeStatus> {
  const progress = new StartProgress(io.disk, about);
  for (;;) {
    const exitCode = about.started.exitCode();
    for (const line of await progress.lines()) io.stderr.write(`${safeText(line)}\n`);
    const node = await findNode(io, about.paths);
    if (node?.info.pid === about.started.pid) return await node.call("node.status") as NodeStatus;
    if (exitCode !== undefined) {
      throw new CliError({
        exitCode: exitCode === exitCodes.ok ? exitCodes.failure : exitCode,
        message: whyNot(await textFrom(io.disk, about), about.logFile),
      });
    }
    await io.clock.sleep(POLL_MS);
  }
}

/** The sentence that the node ended with; without one (it was killed, say) the end of its log. */
function whyNot(text: string, logFile: string): string {
  const [sentence] = text.split(/^(?=Error: )/m).slice(-1);
  return sentence?.startsWith(errorPrefix) === true
    ? sentence.slice(errorPrefix.length)
    : `The node did not start; its log ${logFile} says:\n${text}`;
}

/** What this start has added to the log; its last 4,000 characters. */
async function textFrom(
  disk: Disk,
  log: { readonly logFile: string; readonly logStart: number },
): Promise<string> {
  if (await disk.stat(log.logFile) === undefined) return "(nothing)";
  const bytes = await readWholeFile(disk, { path: log.logFile, bytesMax: LOG_BYTES_MAX });
  return new TextDecoder().decode(bytes.subarray(log.logStart)).trimEnd().slice(-4000);
}
