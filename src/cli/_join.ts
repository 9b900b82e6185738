/** What `skep join` does: the running node joins, or one is started that does. */
import { parseTicket } from "../mesh/mod.ts";
import { NodeError } from "../node/mod.ts";
import { readAll } from "./_input_lines.ts";
import { callNetwork } from "./_network_service.ts";
import { shortIdOf } from "./_node_names.ts";
import { pathsOf } from "./_options.ts";
import { ModelProgress } from "./_progress.ts";
import { forgetJoined, joinCommandName } from "./_remember.ts";
import { findNode } from "./_running_node.ts";
import { checkStart } from "./_start_check.ts";
import { bootNode, up } from "./_up.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes, sentenceOf } from "./exit_code.ts";
import type { UpOptions } from "./up.ts";

/** What `skep join` is asked for. */
export interface JoinOptions extends UpOptions {
  /** The text, or "-" for standard input. */
  readonly ticket: string;
  /** Whether to leave the mesh that the node is in. */
  readonly leave: boolean;
}

/** The answer of `mesh.join`. */
interface Joined {
  readonly mesh: string;
  readonly trust: "own" | "member";
  readonly memberCount: number;
}

/**
 * Joins. What can be known to be wrong is told before the ticket is used.
 *
 * @throws {CliError} exit code 2 for a ticket that is cut or is none, before anything is started
 */
export async function join(io: CliIo, options: JoinOptions): Promise<number> {
  const ticket = (options.ticket === "-" ? await readAll(io.stdin) : options.ticket).trim();
  checkTicket(ticket);
  const params = { ticket, leave: options.leave };
  if (await findNode(io, pathsOf(io, options)) !== undefined) {
    const code = say(io, { options, joined: await ask(io, { options, params }) });
    tellWhatWaits(io, options);
    return code;
  }
  await checkStart(io, { options, ignoreRemembered: options.leave });
  // First the network alone: what else the node does may need the mesh, such as its model.
  const joined = await joinAlone(io, { options, params });
  // What it had in another mesh nobody may have in this one.
  if (options.leave) await forgetJoined(io, options);
  if (!options.json) say(io, { options, joined });
  const code = await upAsMember(io, { options, joined });
  if (options.detach && options.json && code === exitCodes.ok) say(io, { options, joined });
  return code;
}

/** Starts the node; what goes wrong now leaves it a member, which it has to be told. */
async function upAsMember(
  io: CliIo,
  { options, joined }: { readonly options: JoinOptions; readonly joined: Joined },
): Promise<number> {
  try {
    return await up(options.detach && options.json ? { ...io, stdout: io.stderr } : io, {
      ...options,
      ...{ save: true, savedBy: joinCommandName },
      json: options.json && !options.detach,
    });
  } catch (cause) {
    const message = `${sentenceOf(cause)}; this node is a member of mesh ${
      shortIdOf(joined.mesh)
    } now: start it by ${upLine(options)}`;
    if (cause instanceof NodeError) throw new NodeError({ code: cause.code, message, cause });
    const exitCode = cause instanceof CliError ? cause.exitCode : exitCodes.failure;
    throw new CliError({ exitCode, message, cause });
  }
}

/** The line that starts the node, with places for what was given here. */
function upLine({ model, layers }: JoinOptions): string {
  const given = [
    ...model === undefined ? [] : ["--model MODEL"],
    ...layers === undefined ? [] : ["--layers FROM-TO"],
  ];
  return `"${["skep up", ...given, ...given.length === 0 ? [] : ["--save"]].join(" ")}"`;
}

/** @throws {CliError} exit code 2 for a ticket that is cut or is none */
function checkTicket(ticket: string): void {
  try {
    parseTicket(ticket);
  } catch (cause) {
    const message = sentenceOf(cause);
    throw new CliError({ exitCode: exitCodes.usage, message, cause });
  }
}

/**
 * Joins with a node that runs nothing else and ends again; what it was told is kept.
 *
 * @throws {CliError} exit code 130 when a signal comes before it is done, after an orderly stop
 */
async function joinAlone(
  io: CliIo,
  { options, params }: {
    readonly options: JoinOptions;
    readonly params: Readonly<Record<string, unknown>>;
  },
): Promise<Joined> {
  const progress = new ModelProgress(io);
  const stopping = new AbortController();
  const { signal } = stopping;
  const interrupted = new CliError({
    exitCode: exitCodes.interrupted,
    message:
      'Interrupted while joining: run "skep join" with the ticket again, or "skep up" where ' +
      "that says that this node is in a mesh already",
  });
  const offs = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) =>
    io.onSignal(name, () => stopping.abort(interrupted))
  );
  // Of its coming and going nobody needs to read.
  const only = { ...options, only: ["network"], logLevel: options.logLevel ?? "warn" };
  try {
    const node = await bootNode(io, { options: only, progress, signal });
    try {
      return await node.call("network", "mesh.join", params) as Joined;
    } finally {
      await node.stop();
      await node.closed;
    }
  } catch (thrown) {
    throw signal.aborted ? interrupted : thrown;
  } finally {
    for (const off of offs) off();
  }
}

async function ask(
  io: CliIo,
  { options, params }: {
    readonly options: JoinOptions;
    readonly params: Readonly<Record<string, unknown>>;
  },
): Promise<Joined> {
  // The service answers with what its contract says.
  return await callNetwork(io, { place: options, method: "mesh.join", params }) as Joined;
}

/** A running node keeps its settings; what was given here for another must not be lost in silence. */
function tellWhatWaits(io: CliIo, { model, layers, listen, set }: JoinOptions): void {
  const given = [
    ...model === undefined ? [] : [`--model ${model}`],
    ...layers === undefined ? [] : [`--layers ${layers}`],
    ...listen === undefined ? [] : [`--listen ${listen}`],
    ...set.map((setting) => `--set ${setting}`),
  ];
  if (given.length === 0) return;
  const keeps = model !== undefined || layers !== undefined;
  io.stderr.write(
    `The node that runs here joined and keeps its settings; for what was given, start it again: ` +
      `skep restart ${keeps ? "--save " : ""}${given.join(" ")}\n`,
  );
}

function say(
  io: CliIo,
  { options, joined }: { readonly options: JoinOptions; readonly joined: Joined },
): number {
  const { mesh, trust, memberCount } = joined;
  if (options.json) io.stdout.write(`${JSON.stringify({ joined: true, ...joined })}\n`);
  else {
    io.stdout.write(
      `Joined mesh ${shortIdOf(mesh)} of ${memberCount} nodes, trusted as ${trust}. ` +
        `"skep peer list" shows them.\n`,
    );
  }
  return exitCodes.ok;
}
