/** The adapter while it listens: links, streams, gossip and finding over one libp2p node. */
import { MeshError } from "../../ports/mod.ts";
import type {
  Clock,
  MeshEvent,
  MeshGate,
  MeshListening,
  MeshListenOptions,
  PeerKey,
} from "../../ports/mod.ts";
import { maySeeAddresses } from "../../platform/mod.ts";
import { listenPlaces } from "./addresses.ts";
import { dialPeer } from "./dialling.ts";
import { Finder } from "./finder.ts";
import { connectionGaterOf } from "./gater.ts";
import { GatedRegistrar } from "./gated_registrar.ts";
import { Gossip } from "./gossip.ts";
import { loadIroh } from "./iroh_native.ts";
import { irohTransport } from "./iroh_transport.ts";
import { REPAIR_TICKS } from "./limits.ts";
import { Links } from "./links.ts";
import type { MadeNode, TransportFactory } from "./node.ts";
import { makeNode, prologueOf } from "./node.ts";
import { keyOfPeerId } from "./peer_keys.ts";
import { PROBE_PROTOCOL } from "./prober.ts";
import type { Handled, Tally } from "./streams.ts";
import { Streams } from "./streams.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Where the adapter writes; a LogTape logger fits. */
export interface MeshLog {
  debug(message: string, properties?: Record<string, unknown>): void;
  warn(message: string, properties?: Record<string, unknown>): void;
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
  readonly subscriptions: Subscriptions;
  readonly tally: Tally;
  readonly onEvent: (event: MeshEvent) => void;
}

/**
 * Starts a node and listens; without iroh when its sockets can't be bound and there is TCP.
 *
 * @throws {MeshError} "no-transport" when no transport can be had
 * @throws {SyntaxError} when TCP's address is no "IP:PORT"
 */
export async function startMesh(options: RunningMeshOptions): Promise<RunningMesh> {
  const { listen } = options;
  try {
    return await startOnce(options, []);
  } catch (thrown) {
    if (thrown instanceof MeshError || thrown instanceof SyntaxError) throw thrown;
    if (!listen.iroh || listen.tcp === false) throw cannotListen(listen, thrown);
  }
  try {
    const missing = ["Cannot be reached by iroh as its sockets cannot be bound"];
    return await startOnce({ ...options, listen: { ...listen, iroh: false } }, missing);
  } catch (thrown) {
    throw thrown instanceof MeshError ? thrown : cannotListen(listen, thrown);
  }
}

/** Starts a node, and leaves nothing behind when that fails. */
async function startOnce(
  options: RunningMeshOptions,
  missing: readonly string[],
): Promise<RunningMesh> {
  const mesh = new RunningMesh(options);
  try {
    await mesh.start(missing);
    return mesh;
  } catch (thrown) {
    await mesh.close().catch(() => {});
    throw thrown;
  }
}

function cannotListen({ tcp }: MeshListenOptions, cause: unknown): MeshError {
  const where = tcp === false ? "by iroh" : `at ${tcp}`;
  return new MeshError({
    code: "no-transport",
    message: `Cannot listen in the mesh ${where} as the system does not let us: is the port ` +
      `in use, or the address another machine's? network.tcpListen says it, and port 0 picks a free one`,
    cause,
  });
}

/** A mesh between `listen` and `close`. */
export class RunningMesh {
  readonly links: Links;
  readonly #options: RunningMeshOptions;
  readonly #registrars: GatedRegistrar[] = [];
  #ticks = 0;
  #node: MadeNode | undefined;
  #gossip: Gossip | undefined;
  #finder: Finder | undefined;
  #streams: Streams | undefined;
  #listening: MeshListening = { addresses: [], missing: [] };

  /** @param options see `startMesh`, which makes and starts it */
  constructor(options: RunningMeshOptions) {
    this.#options = options;
    this.links = new Links({
      self: options.self,
      clock: options.clock,
      onEvent: (event) => this.#onEvent(event),
      onLinkLost: (key) => {
        for (const registrar of this.#registrars) registrar.repair(key);
      },
      onTick: () => this.#onTick(),
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

  /** Streams of the running node. */
  get streams(): Streams {
    return started(this.#streams);
  }

  /** The hash table of the running node. */
  get finder(): Finder {
    return started(this.#finder);
  }

  /** Opens ports; `notHad` says what is missing already. */
  async start(notHad: readonly string[]): Promise<void> {
    const { gate, listen, self, clock, seed, tally } = this.#options;
    const { transports, addresses, missing } = transportsOf(listen, clock);
    const node = await makeNode({
      seed,
      meshId: listen.meshId,
      listen: addresses,
      transports,
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
    this.#streams = new Streams({
      ...this.#options,
      links: this.links,
      registrar: node.registrar,
      onFailed: (protocol, cause) =>
        this.#options.log?.warn("Serving {protocol} failed: {cause}", { protocol, cause }),
    });
    await node.libp2p.start();
    this.#gossip = new Gossip(node.pubsub, {
      admits: (key) => key !== self && gate.admits(key),
      onDrop: () => tally.droppedGossip++,
      subscriptions: this.#options.subscriptions,
    });
    this.#finder = new Finder(node.table, { self, clock });
    const listened = node.libp2p.getMultiaddrs().map((address) => address.toString());
    this.#listening = { addresses: listened, missing: [...notHad, ...missing] };
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

  #gated(
    inner: ConstructorParameters<typeof GatedRegistrar>[0]["inner"],
    name: string,
  ): GatedRegistrar {
    const registrar = new GatedRegistrar({
      inner,
      allows: (key) => this.#options.gate.allows(key, name),
      keepsStreams: name === "gossip",
      connectionsOf: (key) => this.links.connectionsOf(key),
      onRefused: () => this.#options.tally.refusedStreams++,
    });
    this.#registrars.push(registrar);
    return registrar;
  }

  /** Once a second the gate is asked again, and gossip that lost its stream to a peer gets another. */
  #onTick(): void {
    this.#ticks++;
    if (this.#ticks % REPAIR_TICKS !== 0) return;
    const keys = this.links.keys();
    for (const registrar of this.#registrars) {
      for (const key of keys) registrar.refresh(key);
      registrar.repairSlowly(keys);
    }
  }

  #onEvent(event: MeshEvent): void {
    this.#options.onEvent(event);
    this.#finder?.settle(this.links.keys()).catch(() => {});
  }

  #onRefusedLink(key: PeerKey | undefined): void {
    this.#options.tally.refusedLinks++;
    this.#options.log?.debug("A link with {key} was refused", { key });
  }
}

/** Said where "every address" became loopback. */
const blindSentence =
  "Cannot be reached from other machines as Deno was not given --allow-sys=networkInterfaces, without which only loopback is known: give it, or name an address of this machine by network.tcpListen";

/** Transports beside TCP, what to listen at, and what can't be had. */
function transportsOf({ tcp, iroh, meshId }: MeshListenOptions, clock: Clock): {
  readonly transports: readonly TransportFactory[];
  readonly addresses: readonly string[];
  readonly missing: readonly string[];
} {
  const wanted = listenPlaces(tcp, iroh);
  const isBlind = wanted.isWildcard && !maySeeAddresses();
  const places = isBlind ? listenPlaces(tcp, iroh, { isBlind }) : wanted;
  const missing = isBlind ? [blindSentence] : [];
  const loaded = iroh ? loadIroh() : undefined;
  if (loaded !== undefined && "iroh" in loaded) {
    const options = { clock, prologue: prologueOf(meshId), bind: places.irohSockets };
    return {
      transports: [irohTransport({ ...options, iroh: loaded.iroh })],
      addresses: [...places.tcp, ...places.iroh],
      missing,
    };
  }
  if (tcp === false) {
    throw new MeshError({
      code: "no-transport",
      message: loaded?.missing ?? "Cannot listen as neither TCP nor iroh is wanted",
    });
  }
  if (loaded !== undefined) missing.push(loaded.missing);
  return { transports: [], addresses: places.tcp, missing };
}

function started<T>(part: T | undefined): T {
  if (part !== undefined) return part;
  throw new MeshError({
    code: "not-listening",
    message: "Cannot use the mesh as it has not started",
  });
}
