/**
 * The host of a service in the main thread: the node's parts, seen from one run of one service.
 *
 * What is shared by the node (`HostParts`) is made once, by kernel.ts; what belongs to the run (its
 * methods, its socket) is opened here and given back by the session's `close`.
 */
import type { Clock, Disk, MeshNetwork, Network, Random } from "../ports/mod.ts";
import type { FrameLimits, HttpLimits, RpcServer } from "../wire/mod.ts";
import type { CallTable } from "./call_table.ts";
import type { NodeLog } from "./log.ts";
import type { Methods } from "./method.ts";
import { openRpcSocket, rpcSocketPath } from "./rpc_socket.ts";
import type {
  Bus,
  Directories,
  Host,
  HostIdentity,
  JournalAccess,
  Metrics,
  StoreAccess,
} from "./service.ts";
import type { Session, SessionRequest } from "./supervisor.ts";

/** Where something of a service can be reached. */
export interface Announcement {
  readonly service: string;
  /** What it is: "rpc", "api". */
  readonly name: string;
  readonly address: string;
}

/** What all hosts of a node share. */
export interface HostParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  readonly mesh: MeshNetwork;
  readonly identity: HostIdentity;
  readonly directories: Directories;
  readonly log: NodeLog;
  readonly metrics: Metrics;
  readonly bus: Bus;
  readonly calls: CallTable;
  /** Of the node, for the sockets' `GET /health`. */
  readonly version: string;
  /** What a service may journal. */
  readonly journalFor: (service: string) => JournalAccess;
  /** What a service may store. */
  readonly storeFor: (service: string) => StoreAccess;
  readonly announce: (announcement: Announcement) => void;
  /** How long running requests may take once their service has ended. */
  readonly drainTimeoutMs: number;
  readonly httpLimits?: Partial<HttpLimits>;
  readonly frameLimits?: Partial<FrameLimits>;
}

/** Opens the session of one run. */
export function openHostSession(request: SessionRequest, parts: HostParts): Session {
  const service = request.service.name;
  const offer = parts.calls.offer(service);
  const log = parts.log.withSource(service);
  const servers: Promise<RpcServer>[] = [];
  function ready(): void {
    if (request.signal.aborted) return;
    offer.open();
    request.ready();
  }
  async function serve(methods: Methods): Promise<void> {
    request.signal.throwIfAborted();
    offer.add(methods);
    if (servers.length > 0) return;
    const { calls, network, disk, clock, version, httpLimits, frameLimits } = parts;
    const opening = openRpcSocket({
      ...{ service, version, directory: parts.directories.sockets },
      description: request.service.description ?? "",
      metrics: parts.metrics,
      ...{ calls, network, disk, clock, log },
      ...(httpLimits === undefined ? {} : { limits: httpLimits }),
      ...(frameLimits === undefined ? {} : { frameLimits }),
    });
    servers.push(opening);
    await opening;
    const address = rpcSocketPath(parts.directories.sockets, service);
    parts.announce({ service, name: "rpc", address });
  }
  async function close(options: { readonly drain: boolean }): Promise<void> {
    const drainMs = options.drain ? parts.drainTimeoutMs : 0;
    const closing = servers.map(async (opening) => await (await opening).close(drainMs));
    const timer = parts.clock.after(drainMs, () => offer.close());
    if (options.drain) await offer.drain();
    offer.close();
    timer.cancel();
    // A socket that could not be opened has failed the run already.
    await Promise.allSettled(closing);
  }
  // From the stop request on, nothing new comes in; what runs may finish.
  request.signal.addEventListener("abort", () => void offer.drain(), { once: true });
  const host: Host = {
    ...pick(parts),
    signal: request.signal,
    ready,
    log,
    journal: parts.journalFor(service),
    store: parts.storeFor(service),
    call: (...[callee, method, params, signal]: Parameters<Host["call"]>) =>
      parts.calls.call({ service: callee, method, params, signal }),
    stream: (...[callee, method, params, signal]: Parameters<Host["stream"]>) =>
      parts.calls.stream({ service: callee, method, params, signal }),
    serve,
    announce: (name, address) => parts.announce({ service, name, address }),
  };
  return { host, close };
}

function pick(
  parts: HostParts,
): Omit<
  Host,
  "signal" | "ready" | "log" | "journal" | "store" | "call" | "stream" | "serve" | "announce"
> {
  const { clock, random, disk, network, mesh, identity, directories, metrics, bus } = parts;
  return { clock, random, disk, network, mesh, identity, directories, metrics, bus };
}
