/**
 * Binds a service's `rpc.sock` and answers JSON-RPC on it, over HTTP and in frames, and what the service
 * is.
 *
 * A socket file that is there already is probed by dialling: one that answers is never touched.
 */
import { DiskError, NetworkError } from "../ports/mod.ts";
import type { Address, Clock, Disk, Network } from "../ports/mod.ts";
import { listen, rpcOverHttp } from "../wire/mod.ts";
import type { FrameLimits, HttpLimits, RpcRunner, RpcServer } from "../wire/mod.ts";
import { answerCall } from "./answer_call.ts";
import type { CallTable } from "./call_table.ts";
import { KernelError } from "./kernel_error.ts";
import type { Methods } from "./method.ts";
import { discoveryDocument, openRpcDocument } from "./openrpc.ts";
import type { OpenRpcDocument } from "./openrpc_types.ts";
import type { Log, Metrics } from "./service.ts";

/** What `openRpcSocket` needs. */
export interface RpcSocketOptions {
  readonly service: string;
  /** Of the node, for `GET /health`. */
  readonly version: string;
  /** One sentence, for the documents. @default "" */
  readonly description?: string;
  /** The folder of all sockets, absolute. */
  readonly directory: string;
  readonly calls: CallTable;
  readonly network: Network;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<HttpLimits>;
  readonly frameLimits?: Partial<FrameLimits>;
  /** Counts the connections that were closed for what they did. */
  readonly metrics?: Metrics;
}

/** Where a service's socket is. */
export function rpcSocketPath(directory: string, service: string): string {
  return `${directory}/${service}/rpc.sock`;
}

/**
 * Serves the methods that the call table knows for `service`.
 *
 * @throws {KernelError} "socket-in-use" when another process answers there, "socket-unsafe" when
 * others may enter its folder or something else than a socket is there
 * @throws {NetworkError | DiskError} when the system refuses
 */
export async function openRpcSocket(options: RpcSocketOptions): Promise<RpcServer> {
  const { service, version, calls, log } = options;
  const path = rpcSocketPath(options.directory, service);
  await makePrivateDirectory(path.slice(0, path.lastIndexOf("/")), options);
  const subject = { service, version, description: options.description ?? "" };
  const document = (): OpenRpcDocument => openRpcDocument(subject, calls.methods(service));
  const run: RpcRunner = (call, context) => answerCall(call, context, { calls, service, document });
  const handler = rpcOverHttp({
    ...{ service, version, run },
    documents: {
      "/openrpc.json": document,
      "/.well-known/heroservice.json": () => discoveryDocument(subject),
    },
    pages: () => pagesOf(calls.methods(service)),
  });
  const { network, clock, limits, frameLimits } = options;
  const serve = (): Promise<RpcServer> =>
    listen({
      ...{ network, clock, handler, run, address: { kind: "unix", path } },
      ...(limits === undefined ? {} : { httpLimits: limits }),
      ...(frameLimits === undefined ? {} : { frameLimits }),
      onError: (error) => log.error("Request failed", { service, error }),
      onClosed: (why) => countClosed(options, why),
    });
  const bound = await unlessInUse(serve());
  if (bound !== undefined) return bound;
  await removeStaleSocket(path, options);
  const reclaimed = await unlessInUse(serve());
  if (reclaimed !== undefined) return reclaimed;
  throw inUse(service, path);
}

/** Methods by the paths at which GET calls them. */
function pagesOf(methods: Methods): Readonly<Record<string, string>> {
  const pages: Record<string, string> = {};
  for (const [name, method] of Object.entries(methods)) {
    if (method.kind === "call" && method.get !== undefined) pages[method.get] = name;
  }
  return pages;
}

function countClosed({ metrics, service }: RpcSocketOptions, why: string): void {
  const help = "Connections to services' sockets that were closed for what they did.";
  metrics
    ?.counter({ name: "rpc_connections_closed_total", help, labels: ["service", "why"] })
    .add(1, { service, why });
}

async function unlessInUse<T>(listening: Promise<T>): Promise<T | undefined> {
  try {
    return await listening;
  } catch (thrown) {
    if (thrown instanceof NetworkError && thrown.code === "in-use") return undefined;
    throw thrown;
  }
}

async function makePrivateDirectory(path: string, options: RpcSocketOptions): Promise<void> {
  await options.disk.makeDirectory(path, 0o700);
  const info = await options.disk.stat(path);
  if (info === undefined || (info.mode & 0o077) === 0) return;
  throw new KernelError({
    code: "socket-unsafe",
    service: options.service,
    message:
      `Cannot serve "${options.service}" as its socket folder "${path}" must be open to its ` +
      `owner only (mode 0700): current value is 0${info.mode.toString(8)}`,
  });
}

/**
 * Removes a socket file that nobody answers at; anything else is left alone.
 *
 * Between the probe and the removal another process may have done the same and listen there by now.
 * So the file is moved aside first and probed once more: a socket answers under its new name too, and
 * a live one is put back.
 */
async function removeStaleSocket(path: string, options: RpcSocketOptions): Promise<void> {
  const { service, disk, log } = options;
  if (await isAnswered({ kind: "unix", path }, options)) throw inUse(service, path);
  const info = await disk.stat(path);
  if (info === undefined) return;
  if (info.kind !== "other") {
    const message = `Cannot serve "${service}" as "${path}" is a ${info.kind} and not a socket`;
    throw new KernelError({ code: "socket-unsafe", service, message });
  }
  const aside = `${path.slice(0, path.lastIndexOf("/"))}/dead.sock`;
  try {
    await disk.rename(path, aside);
    if (await isAnswered({ kind: "unix", path: aside }, options)) {
      await disk.rename(aside, path);
      throw inUse(service, path);
    }
    log.info("Removing a socket that nobody answers at", { path });
    await disk.remove(aside);
  } catch (thrown) {
    // Somebody else has removed it meanwhile; listening decides who is first.
    if (!(thrown instanceof DiskError) || thrown.code !== "not-found") throw thrown;
  }
}

function inUse(service: string, path: string): KernelError {
  const message = `Cannot serve "${service}" as another process answers at "${path}"`;
  return new KernelError({ code: "socket-in-use", service, message });
}

async function isAnswered(address: Address, options: RpcSocketOptions): Promise<boolean> {
  try {
    const stream = await options.network.dial(address);
    stream.destroy();
    return true;
  } catch (thrown) {
    if (!(thrown instanceof NetworkError)) throw thrown;
    // Only these two say that nobody is there; "denied" and the rest leave it open.
    return thrown.code !== "refused" && thrown.code !== "not-found";
  }
}
