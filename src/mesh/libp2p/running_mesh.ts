/** The adapter while it listens: links, streams, gossip and finding over one libp2p node. */
import type { Connection, Stream } from "@libp2p/interface";
import { MeshError } from "../../ports/mod.ts";
import type {
  Clock,
  MeshCounters,
  MeshEvent,
  MeshGate,
  MeshListening,
  MeshListenOptions,
  MeshStream,
  PeerKey,
  ProtocolOptions,
} from "../../ports/mod.ts";
import { tcpListenAddress } from "./addresses.ts";
import { dialPeer } from "./dialling.ts";
import { Finder } from "./finder.ts";
import { FrameStream } from "./frame_stream.ts";
import { connectionGaterOf } from "./gater.ts";
import { GatedRegistrar } from "./gated_registrar.ts";
import { Gossip } from "./gossip.ts";
import { acceptStream, awaitAnswer, refuseStream } from "./handshake.ts";
import { OPEN_TIMEOUT_MS, STREAMS_PER_PEER_MAX } from "./limits.ts";
import type { Link } from "./links.ts";
import { Links } from "./links.ts";
import type { MadeNode } from "./node.ts";
import { makeNode } from "./node.ts";
import { bytesOfKey, keyOfPeerId } from "./peer_keys.ts";
import { PROBE_PROTOCOL } from "./prober.ts";

/** Where the adapter writes; a LogTape logger fits. */
export interface MeshLog {
  debug(message: string, properties?: Record<string, unknown>): void;
  warn(message: string, properties?: Record<string, unknown>): void;
}

/** Counters, as they are counted. */
export type Tally = { -readonly [Name in keyof MeshCounters]: MeshCounters[Name] };

/** Who serves a protocol, and how. */
export interface Handled {
  readonly handler: (stream: MeshStream) => void;
  readonly options: ProtocolOptions;
}

/** What a mesh runs with. */
export interface RunningMeshOptions {
  readonly self: PeerKey;
  readonly seed: Uint8Array;
  readonly clock: Clock;
  readonly log?: MeshLog;
  readonly listen: MeshListenOptions;
  readonly gate: MeshGate;
  readonly handled: ReadonlyMap<string, Handled>;
  readonly tally: Tally;
  readonly onEvent: (event: MeshEvent) => void;
}

/** Starts a node and listens. @throws {MeshError} "no-transport" when no transport can be had */
export async function startMesh(options: RunningMeshOptions): Promise<RunningMesh> {
  const mesh = new RunningMesh(options);
  await mesh.start();
  return mesh;
}

/** A mesh between `listen` and `close`. */
export class RunningMesh {
  readonly links: Links;
  readonly #options: RunningMeshOptions;
  readonly #registrars: GatedRegistrar[] = [];
  readonly #openStreams = new Map<string, number>();
  #node: MadeNode | undefined;
  #gossip: Gossip | undefined;
  #finder: Finder | undefined;
  #listening: MeshListening = { addresses: [], missing: [] };

  /** @param options see `startMesh`, which makes and starts it */
  constructor(options: RunningMeshOptions) {
    this.#options = options;
    this.links = new Links({
      clock: options.clock,
      onEvent: (event) => this.#onEvent(event),
      onLinkLost: (key) => this.#repair([key]),
      onDead: ({ key, transport }, why) =>
        options.log?.debug("A link over {transport} to {key} ended as {why}", {
          key,
          transport,
          why,
        }),
    });
  }

  /** Addresses and what could not be had. */
  get listening(): MeshListening {
    return this.#listening;
  }

  /** Gossip of the running node. */
  get gossip(): Gossip {
    return started(this.#gossip);
  }

  /** The hash table of the running node. */
  get finder(): Finder {
    return started(this.#finder);
  }

  /** Opens ports. */
  async start(): Promise<void> {
    const { gate, listen, self, clock, seed, tally } = this.#options;
    const missing: string[] = [];
    const addresses = listen.tcp === false ? [] : [tcpListenAddress(listen.tcp)];
    const node = await makeNode({
      seed,
      meshId: listen.meshId,
      listen: addresses,
      transports: [],
      gater: connectionGaterOf({
        gate,
        linkCountOf: (key) => this.links.countOf(key),
        onRefused: (key) => this.#onRefusedLink(key),
      }),
      gossipRegistrar: (inner) => this.#gated(inner, "gossip"),
      findRegistrar: (inner) => this.#gated(inner, "find"),
      mayFind: (key) => gate.allows(key, "find"),
      roundTripOf: (peer) => {
        const link = this.links.bestOf(keyOfPeerId(peer) ?? "");
        return link === undefined ? undefined : link.prober.roundTripMs ?? 0;
      },
    });
    this.#node = node;
    node.libp2p.addEventListener("connection:open", ({ detail }) => this.links.add(detail));
    node.libp2p.addEventListener("connection:close", ({ detail }) => this.links.remove(detail));
    await node.registrar.handle(PROBE_PROTOCOL, (stream, connection) => {
      const link = this.links.of(connection);
      if (link === undefined) stream.abort(new Error("Cannot answer probes as the link is gone"));
      else link.prober.serve(stream);
    });
    for (const protocol of this.#options.handled.keys()) this.serve(protocol);
    await node.libp2p.start();
    this.#gossip = new Gossip(node.pubsub, {
      admits: (key) => key !== self && gate.admits(key),
      onDrop: () => tally.droppedGossip++,
    });
    this.#finder = new Finder(node.table, { self, clock });
    const listened = node.libp2p.getMultiaddrs().map((address) => address.toString());
    this.#listening = { addresses: listened, missing };
  }

  /** See `MeshNetwork`. */
  async dial(
    key: PeerKey,
    options: { readonly addresses: readonly string[]; readonly signal: AbortSignal },
  ): Promise<void> {
    if (!this.#options.gate.admits(key)) {
      throw new MeshError({
        code: "refused",
        message: "Cannot dial a peer as this node does not admit it",
      });
    }
    await dialPeer(key, {
      ...options,
      clock: this.#options.clock,
      links: this.links,
      dialler: started(this.#node).dialler,
    });
  }

  /** See `MeshNetwork`. */
  async open(
    key: PeerKey,
    { protocol, signal }: { readonly protocol: string; readonly signal: AbortSignal | undefined },
  ): Promise<MeshStream> {
    bytesOfKey(key);
    const link = this.links.bestOf(key);
    if (link === undefined) throw failure("unreachable", "there is no link with the peer");
    if (!this.#options.gate.allows(key, protocol)) {
      throw failure("refused", "this node does not allow it");
    }
    const timeout = new AbortController();
    const timer = this.#options.clock.after(OPEN_TIMEOUT_MS, () => timeout.abort());
    const both = signal === undefined
      ? timeout.signal
      : AbortSignal.any([signal, timeout.signal]);
    try {
      return await this.#openOver(link, { protocol, signal: both });
    } catch (thrown) {
      signal?.throwIfAborted();
      throw openFailure(thrown, link.connection);
    } finally {
      timer.cancel();
    }
  }

  /** Serves a protocol that `handled` has. */
  serve(protocol: string): void {
    // Taken at once; what is awaited is libp2p's note of its own protocols.
    this.#node?.registrar.handle(protocol, (stream, connection) => {
      this.#onStream(protocol, { stream, connection });
    }, { maxInboundStreams: Infinity, maxOutboundStreams: Infinity })
      .catch((cause) => this.#options.log?.warn("Serving {protocol} failed: {cause}", {
        protocol,
        cause,
      }));
  }

  /** Serves a protocol no more. */
  unserve(protocol: string): void {
    this.#node?.registrar.unhandle(protocol).catch(() => {});
  }

  /** Asks the gate again about a peer. */
  gateChanged(key: PeerKey): void {
    if (!this.#options.gate.admits(key)) return void this.disconnect(key);
    for (const registrar of this.#registrars) registrar.refresh(key);
  }

  /** Closes all links to a peer. */
  disconnect(key: PeerKey): Promise<void> {
    this.links.cut(key, "this node ended it");
    return Promise.resolve();
  }

  /** Closes everything. */
  async close(): Promise<void> {
    this.#gossip?.close();
    this.links.close();
    await this.#node?.libp2p.stop();
  }

  #gated(inner: ConstructorParameters<typeof GatedRegistrar>[0]["inner"], name: string): GatedRegistrar {
    const registrar = new GatedRegistrar({
      inner,
      allows: (key) => this.#options.gate.allows(key, name),
      connectionOf: (key) => this.links.connectionOf(key),
      onRefused: () => this.#options.tally.refusedStreams++,
    });
    this.#registrars.push(registrar);
    return registrar;
  }

  #repair(keys: readonly PeerKey[]): void {
    for (const registrar of this.#registrars) registrar.repair(keys);
  }

  #onEvent(event: MeshEvent): void {
    this.#options.onEvent(event);
    this.#finder?.settle(this.links.keys()).catch(() => {});
  }

  #onRefusedLink(key: PeerKey | undefined): void {
    this.#options.tally.refusedLinks++;
    this.#options.log?.debug("A link with {key} was refused", { key });
  }

  async #openOver(
    link: Link,
    { protocol, signal }: { readonly protocol: string; readonly signal: AbortSignal },
  ): Promise<MeshStream> {
    const stream = await link.connection.newStream(protocol, {
      signal,
      maxOutboundStreams: Infinity,
    });
    const received = await awaitAnswer(stream, {
      signal,
      linkIsOpen: () => link.connection.status === "open",
    });
    return this.#framed(link, { stream, protocol, received });
  }

  #onStream(
    protocol: string,
    { stream, connection }: { readonly stream: Stream; readonly connection: Connection },
  ): void {
    const link = this.links.of(connection);
    const handled = this.#options.handled.get(protocol);
    if (link === undefined || handled === undefined) {
      return stream.abort(new Error("Cannot serve a stream as its link or its server is gone"));
    }
    if (!this.#options.gate.allows(link.key, protocol)) {
      this.#options.tally.refusedStreams++;
      return refuseStream(stream, "refused");
    }
    const place = `${link.key} ${protocol}`;
    const count = this.#openStreams.get(place) ?? 0;
    if (count >= (handled.options.streamsPerPeerMax ?? STREAMS_PER_PEER_MAX)) {
      this.#options.tally.refusedStreams++;
      return refuseStream(stream, "busy");
    }
    acceptStream(stream);
    link.prober.heard();
    const framed = this.#framed(link, { stream, protocol, received: [] });
    this.#openStreams.set(place, count + 1);
    void framed.closed.then(() => this.#release(place));
    handled.handler(framed);
  }

  #release(place: string): void {
    const count = (this.#openStreams.get(place) ?? 1) - 1;
    if (count === 0) this.#openStreams.delete(place);
    else this.#openStreams.set(place, count);
  }

  #framed(
    { key, transport, prober }: Link,
    { stream, protocol, received }: {
      readonly stream: Stream;
      readonly protocol: string;
      readonly received: readonly Uint8Array[];
    },
  ): FrameStream {
    const { tally } = this.#options;
    return new FrameStream({
      stream,
      peer: key,
      protocol,
      transport,
      received,
      onSent: (byteCount) => tally.sentBytes += byteCount,
      onReceived: (byteCount) => {
        tally.receivedBytes += byteCount;
        prober.heard();
      },
    });
  }
}

function started<T>(part: T | undefined): T {
  if (part !== undefined) return part;
  throw new MeshError({
    code: "not-listening",
    message: "Cannot use the mesh as it has not started",
  });
}

function failure(code: "unreachable" | "refused", why: string, cause?: unknown): MeshError {
  return new MeshError({ code, message: `Cannot open a stream as ${why}`, cause });
}

/** What libp2p throws while a stream is opened, in the port's words. */
function openFailure(thrown: unknown, connection: Connection): MeshError {
  if (thrown instanceof MeshError) return thrown;
  if (connection.status !== "open") return failure("unreachable", "the link broke", thrown);
  const name = thrown instanceof Error ? thrown.name : "";
  if (/^TooMany/.test(name)) {
    return new MeshError({
      code: "busy",
      message: "Cannot open a stream as the link has too many",
      cause: thrown,
    });
  }
  if (name === "UnsupportedProtocolError") {
    return failure("refused", "the peer does not serve this protocol", thrown);
  }
  if (name === "StreamResetError") return failure("refused", "the peer reset it", thrown);
  return failure("unreachable", "the peer did not answer", thrown);
}
