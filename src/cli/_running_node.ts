/** Finds the node that runs, by runtime.json and its control socket; it starts and stops nothing. */
import type { Duplex } from "node:stream";
import { readRuntimeInfo } from "../node/mod.ts";
import type { NodePaths, RuntimeInfo } from "../node/mod.ts";
import { NetworkError } from "../ports/mod.ts";
import { callRpc } from "../wire/mod.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** A node that answered. */
export interface FoundNode {
  /** What its runtime.json says. */
  readonly info: RuntimeInfo;
  /** Calls a method of its control service. @throws {RemoteCallError} {WireError} */
  call(method: string, params?: unknown): Promise<unknown>;
}

/** How long a node may take to answer a question about itself; a process that is stopped never does. */
const ANSWER_MS_MAX = 5_000;

/** The running node; `undefined` when none runs (a stale runtime.json counts as none). */
export async function findNode(io: CliIo, paths: NodePaths): Promise<FoundNode | undefined> {
  const info = await readRuntimeInfo({ disk: io.disk, path: paths.runtimeFile });
  if (info === undefined) return undefined;
  const socketPath = `${info.sockets}/control/rpc.sock`;
  const found: FoundNode = {
    info,
    call: (method, params) =>
      withDeadline(io, {
        info,
        ask: (signal) =>
          callRpc({ network: io.network, socketPath, method, params: params ?? {}, signal }),
      }),
  };
  try {
    const address = { kind: "unix", path: socketPath } as const;
    const ask = (signal: AbortSignal): Promise<Duplex> => io.network.dial(address, signal);
    (await withDeadline(io, { info, ask })).destroy();
    return found;
  } catch (thrown) {
    if (thrown instanceof NetworkError && gone.has(thrown.code)) return undefined;
    throw thrown;
  }
}

/** Asks a node something that it answers at once. @throws {CliError} when it does not */
export async function withDeadline<T>(
  io: CliIo,
  question: {
    readonly info: RuntimeInfo;
    readonly ask: (signal: AbortSignal) => Promise<T>;
  },
): Promise<T> {
  const { info, ask } = question;
  const deadline = new AbortController();
  const timer = io.clock.after(ANSWER_MS_MAX, () => deadline.abort(tooSlow(info)));
  try {
    return await ask(deadline.signal);
  } finally {
    timer.cancel();
  }
}

/** The running node. @throws {CliError} exit code 3 when none runs */
export async function requireNode(io: CliIo, paths: NodePaths): Promise<FoundNode> {
  const found = await findNode(io, paths);
  if (found !== undefined) return found;
  throw new CliError({ exitCode: exitCodes.state, message: notRunning(paths) });
}

/** The sentence for a node that is not there. */
export function notRunning(paths: NodePaths): string {
  return `No node is running for ${paths.directories.state}: start one with "skep up"`;
}

/** What dialling a socket says when nobody listens any more. */
const gone: ReadonlySet<string> = new Set(["refused", "not-found"]);

function tooSlow(info: RuntimeInfo): CliError {
  return new CliError({
    exitCode: exitCodes.failure,
    message:
      `The node with process id ${info.pid} does not answer within ${ANSWER_MS_MAX} ms: look at its log, or end that process`,
  });
}
