/**
 * A libp2p node with what a mesh needs of it, and nothing that reaches a third party: no bootstrap, no
 * relay, no discovery, no public table.
 *
 * This file and all below it load libp2p; it is imported when a node begins to listen, not before.
 */
import { yamux } from "@chainsafe/libp2p-yamux";
import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import type { GossipSub, GossipSubComponents } from "@libp2p/gossipsub";
import { identify, identifyPush } from "@libp2p/identify";
import type {
  ComponentLogger,
  Connection,
  ConnectionGater,
  Libp2p,
  Logger,
  PeerId,
} from "@libp2p/interface";
import { serviceCapabilities } from "@libp2p/interface";
import type { KadDHT } from "@libp2p/kad-dht";
import type { Multiaddr } from "@multiformats/multiaddr";
import type { Libp2pOptions } from "libp2p";
import { createLibp2p } from "libp2p";
import type { PeerKey } from "../../ports/mod.ts";
import { registerIrohCodec } from "./addresses.ts";
import { finderService } from "./finder.ts";
import type { Registrar } from "./gated_registrar.ts";
import { gatheredTcp } from "./gathered_tcp.ts";
import { gossipService } from "./gossip.ts";
import {
  DIAL_TIMEOUT_MS,
  HANDSHAKES_MAX,
  INBOUND_PER_SECOND_MAX,
  LINKS_MAX,
  OPEN_TIMEOUT_MS,
  STREAM_BUFFER_BYTES_MAX,
  STREAM_WINDOW_BYTES_MAX,
  STREAMS_PER_LINK_MAX,
} from "./limits.ts";
import { leanNoise } from "./lean_noise.ts";
import { bytesOfKey } from "./peer_keys.ts";

/** A transport's factory, as libp2p takes it. */
export type TransportFactory = NonNullable<Libp2pOptions["transports"]>[number];

/** How to make a node. */
export interface NodeOptions {
  /** 32 bytes of Ed25519 seed. */
  readonly seed: Uint8Array;
  readonly meshId: PeerKey;
  readonly listen: readonly string[];
  readonly gater: ConnectionGater;
  readonly gossipRegistrar: (inner: Registrar) => Registrar;
  readonly findRegistrar: (inner: Registrar) => Registrar;
  readonly mayFind: (key: PeerKey) => boolean;
  readonly roundTripOf: (peer: PeerId) => number | undefined;
  /** Transports beside TCP. */
  readonly transports: readonly TransportFactory[];
}

/** Dials one address with the transport that fits it. */
export interface Dialler {
  dial(address: Multiaddr, options: { readonly signal: AbortSignal }): Promise<Connection>;
}

/** What a made node offers. */
export interface MadeNode {
  readonly libp2p: Libp2p;
  readonly registrar: Registrar;
  readonly dialler: Dialler;
  readonly pubsub: GossipSub;
  readonly table: KadDHT;
}

/** What handshakes of a mesh are bound to, besides the keys: other meshes are refused in them. */
export function prologueOf(meshId: PeerKey): Uint8Array<ArrayBuffer> {
  const label = new TextEncoder().encode("skep/mesh/v1\0");
  return Uint8Array.from([...label, ...bytesOfKey(meshId)]);
}

/** Makes a node; it listens once `libp2p.start()` was called. */
export async function makeNode(options: NodeOptions): Promise<MadeNode> {
  registerIrohCodec();
  const privateKey = await generateKeyPairFromSeed("Ed25519", options.seed);
  const libp2p = await createLibp2p({
    privateKey,
    start: false,
    logger: SILENT,
    nodeInfo: { name: "skep", version: "1", userAgent: "skep" },
    addresses: { listen: [...options.listen] },
    transports: [
      gatheredTcp({ maxConnections: LINKS_MAX, backlog: HANDSHAKES_MAX }),
      ...options.transports,
    ],
    connectionEncrypters: [leanNoise({ prologueBytes: prologueOf(options.meshId) })],
    streamMuxers: [yamux({
      enableKeepAlive: false,
      maxInboundStreams: STREAMS_PER_LINK_MAX,
      maxOutboundStreams: STREAMS_PER_LINK_MAX,
      streamOptions: {
        maxStreamWindowSize: STREAM_WINDOW_BYTES_MAX,
        maxReadBufferLength: STREAM_BUFFER_BYTES_MAX,
      },
    })],
    connectionGater: options.gater,
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: LINKS_MAX,
      inboundConnectionThreshold: INBOUND_PER_SECOND_MAX,
      maxIncomingPendingConnections: HANDSHAKES_MAX,
      dialTimeout: DIAL_TIMEOUT_MS,
      addressDialTimeout: DIAL_TIMEOUT_MS,
      inboundUpgradeTimeout: DIAL_TIMEOUT_MS,
      inboundStreamProtocolNegotiationTimeout: OPEN_TIMEOUT_MS,
      outboundStreamProtocolNegotiationTimeout: OPEN_TIMEOUT_MS,
      reconnectRetries: 0,
    },
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      parts: ({ registrar, transportManager }: Parts): Parts => ({ registrar, transportManager }),
      ping: () => new MeasuredPing(options.roundTripOf),
      pubsub: gossipService(options.gossipRegistrar),
      table: finderService({ registrar: options.findRegistrar, allows: options.mayFind }),
    },
  });
  const { parts, pubsub, table } = libp2p.services;
  return { libp2p, registrar: parts.registrar, dialler: parts.transportManager, pubsub, table };
}

interface Parts {
  readonly registrar: GossipSubComponents["registrar"];
  readonly transportManager: Dialler;
}

/** The hash table asks whether a peer is there: our own probes know. */
class MeasuredPing {
  readonly [serviceCapabilities] = ["@libp2p/ping"];
  readonly #roundTripOf: (peer: PeerId) => number | undefined;

  constructor(roundTripOf: (peer: PeerId) => number | undefined) {
    this.#roundTripOf = roundTripOf;
  }

  /** Round trip in milliseconds. */
  ping(peer: unknown): Promise<number> {
    const tripMs = isPeerId(peer) ? this.#roundTripOf(peer) : undefined;
    if (tripMs !== undefined) return Promise.resolve(tripMs);
    return Promise.reject(new Error("Cannot ping a peer as there is no link with it"));
  }
}

function isPeerId(value: unknown): value is PeerId {
  return typeof value === "object" && value !== null && "publicKey" in value;
}

/** libp2p's log, which is for its own developers: what matters to ours is logged by the adapter. */
const SILENT: ComponentLogger = { forComponent: () => silentLogger() };

function silentLogger(): Logger {
  const logger = (): void => {};
  return Object.assign(logger, {
    error: logger,
    trace: logger,
    enabled: false,
    newScope: silentLogger,
  });
}
