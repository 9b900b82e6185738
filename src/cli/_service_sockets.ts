/** The services of a running node, found by their sockets; each says itself what it is. */
import type { OpenRpcDocument } from "../kernel/mod.ts";
import { NetworkError } from "../ports/mod.ts";
import { connectRpc } from "../wire/mod.ts";
import type { RpcConnection } from "../wire/mod.ts";
import { pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { requireNode } from "./_running_node.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** How long a service may take to say what it is. */
const ANSWER_MS_MAX = 5_000;

/** A service's socket, and what is behind it. */
export interface FoundService {
  readonly name: string;
  /** Absolute path of its `rpc.sock`. */
  readonly path: string;
  /** `undefined` when nobody answers there. */
  readonly document: OpenRpcDocument | undefined;
}

/** The folder of the running node's sockets. @throws {CliError} exit code 3 when none runs */
export async function socketsOf(io: CliIo, options: PlaceOptions): Promise<string> {
  return (await requireNode(io, pathsOf(io, options))).info.sockets;
}

/** All services below the folder, in the order of their names. */
export async function findServices(io: CliIo, sockets: string): Promise<FoundService[]> {
  const found: FoundService[] = [];
  for (const name of (await io.disk.list(sockets)).toSorted()) {
    const path = `${sockets}/${name}/rpc.sock`;
    if (await io.disk.stat(path) === undefined) continue;
    found.push({ name, path, document: await documentOf(io, path).catch(() => undefined) });
  }
  return found;
}

/**
 * Connects to a service of the running node.
 *
 * @throws {CliError} exit code 3 when there is none of that name
 */
export async function openService(
  io: CliIo,
  at: { readonly sockets: string; readonly name: string },
): Promise<RpcConnection> {
  const { sockets, name } = at;
  // A name is one folder's, and no way out of it.
  if (/^[a-z][a-z0-9-]*$/.test(name)) {
    try {
      return await connectRpc({ network: io.network, path: `${sockets}/${name}/rpc.sock` });
    } catch (thrown) {
      if (!(thrown instanceof NetworkError)) throw thrown;
      if (thrown.code !== "not-found" && thrown.code !== "refused") throw thrown;
    }
  }
  const names = (await findServices(io, sockets)).map((service) => service.name).join(", ");
  throw new CliError({
    exitCode: exitCodes.state,
    message: `No service "${name}" runs: there are ${names}`,
  });
}

// No `using` in the modules of commands: an old Node, which can't parse it, has to load them to say
// that it is too old.

/** What the service says of itself. @throws {WireError} {RemoteCallError} */
export async function discover(io: CliIo, connection: RpcConnection): Promise<OpenRpcDocument> {
  const deadline = new AbortController();
  const timer = io.clock.after(ANSWER_MS_MAX, () => {
    const message = `The service does not answer within ${ANSWER_MS_MAX} ms`;
    deadline.abort(new CliError({ exitCode: exitCodes.failure, message }));
  });
  try {
    // A service of this release answers with this document, as its own tests show.
    return await connection.call("rpc.discover", {}, deadline.signal) as OpenRpcDocument;
  } finally {
    timer.cancel();
  }
}

async function documentOf(io: CliIo, path: string): Promise<OpenRpcDocument> {
  const connection = await connectRpc({ network: io.network, path });
  try {
    return await discover(io, connection);
  } finally {
    connection.close();
  }
}
