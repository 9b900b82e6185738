/**
 * A registrar for libp2p's own protocols (gossip, hash table) that asks the gate.
 *
 * They know of "connected" and "disconnected" only. So a peer that has a link and is not allowed yet
 * is not connected to them; when the gate's answer changes they are told, and their streams are cut
 * when it changes back.
 */
import type { Connection, PeerId, StreamHandler, StreamHandlerOptions } from "@libp2p/interface";
import type { GossipSubComponents } from "@libp2p/gossipsub";
import type { PeerKey } from "../../ports/mod.ts";
import { REPAIR_TURNS_MAX } from "./limits.ts";
import { keyOfPeerId } from "./peer_keys.ts";

/** libp2p's registrar. */
export type Registrar = GossipSubComponents["registrar"];

type Topology = Parameters<Registrar["register"]>[1];

/** What a gated registrar asks, and whom it tells. */
export interface GatedRegistrarOptions {
  readonly inner: Registrar;
  readonly allows: (key: PeerKey) => boolean;
  /** Whether the protocol keeps a stream open to each peer, so that one without is to be repaired. */
  readonly keepsStreams: boolean;
  /** Connections with the peer, the fastest first. */
  readonly connectionsOf: (key: PeerKey) => readonly Connection[];
  /** Called for each stream that was cut off. */
  readonly onRefused: (key: PeerKey | undefined) => void;
}

interface Known {
  readonly topology: Topology;
  /** Peers that libp2p said are there, and those that the topology was told of. */
  readonly present: Map<PeerKey, PeerId>;
  readonly told: Set<PeerKey>;
}

/** See the file's header. */
export class GatedRegistrar implements Registrar {
  readonly #options: GatedRegistrarOptions;
  readonly #known = new Map<string, Known>();
  readonly #protocols = new Set<string>();
  readonly #repairs = new Map<PeerKey, { readonly turnsLeft: number; readonly turns: number }>();

  /** @param options the registrar beneath, and the gate */
  constructor(options: GatedRegistrarOptions) {
    this.#options = options;
  }

  /** Asks the gate again: tells of a peer that is now allowed, takes back one that is not. */
  refresh(key: PeerKey): void {
    const isAllowed = this.#options.allows(key);
    for (const known of this.#known.values()) {
      const peerId = known.present.get(key);
      if (peerId === undefined) continue;
      if (isAllowed) this.#tell(known, { key, peerId });
      else this.#takeBack(known, { key, peerId });
    }
    if (!isAllowed) this.#cutStreams(key);
  }

  /** Repairs what is amiss, each peer after twice the time that the last attempt had. */
  repairSlowly(keys: readonly PeerKey[]): void {
    for (const key of [...this.#repairs.keys()]) if (!keys.includes(key)) this.#repairs.delete(key);
    for (const key of keys) {
      if (!this.#needsRepair(key)) {
        this.#repairs.delete(key);
        continue;
      }
      const { turnsLeft, turns } = this.#repairs.get(key) ?? { turnsLeft: 0, turns: 1 };
      const isTurn = turnsLeft === 0;
      const next = Math.min(2 * turns, REPAIR_TURNS_MAX);
      this.#repairs.set(
        key,
        isTurn ? { turnsLeft: turns, turns: next } : {
          turnsLeft: turnsLeft - 1,
          turns,
        },
      );
      if (isTurn) this.repair(key);
    }
  }

  /** Tells once more of a peer to which no stream of ours is open: it was cut, or its link is gone. */
  repair(key: PeerKey): void {
    if (!this.#needsRepair(key)) return;
    for (const known of this.#known.values()) {
      const peerId = known.present.get(key);
      if (peerId === undefined) continue;
      this.#takeBack(known, { key, peerId });
      this.#tell(known, { key, peerId });
    }
  }

  handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void> {
    this.#protocols.add(protocol);
    return this.#options.inner.handle(protocol, (stream, connection) => {
      const key = keyOfPeerId(connection.remotePeer);
      if (key !== undefined && this.#options.allows(key)) {
        this.repair(key);
        return handler(stream, connection);
      }
      this.#options.onRefused(key);
      stream.abort(new Error("Cannot serve a stream as the gate does not allow it"));
    }, options);
  }

  register(protocol: string, topology: Topology): Promise<string> {
    const known: Known = { topology, present: new Map(), told: new Set() };
    const registered = this.#options.inner.register(protocol, {
      ...(topology.notifyOnLimitedConnection === undefined
        ? {}
        : { notifyOnLimitedConnection: topology.notifyOnLimitedConnection }),
      onConnect: (peerId) => {
        const key = keyOfPeerId(peerId);
        if (key === undefined) return;
        known.present.set(key, peerId);
        if (this.#options.allows(key)) this.#tell(known, { key, peerId });
      },
      onDisconnect: (peerId) => {
        const key = keyOfPeerId(peerId);
        if (key === undefined) return;
        known.present.delete(key);
        this.#takeBack(known, { key, peerId });
      },
    });
    return registered.then((id) => {
      this.#known.set(id, known);
      return id;
    });
  }

  unregister(id: string): void {
    this.#known.delete(id);
    this.#options.inner.unregister(id);
  }

  unhandle(protocol: string): Promise<void> {
    return this.#options.inner.unhandle(protocol);
  }

  getProtocols(): string[] {
    return this.#options.inner.getProtocols();
  }

  getHandler(protocol: string): ReturnType<Registrar["getHandler"]> {
    return this.#options.inner.getHandler(protocol);
  }

  getTopologies(protocol: string): Topology[] {
    return this.#options.inner.getTopologies(protocol);
  }

  use(protocol: string, middleware: Parameters<Registrar["use"]>[1]): void {
    this.#options.inner.use(protocol, middleware);
  }

  unuse(protocol: string): void {
    this.#options.inner.unuse(protocol);
  }

  getMiddleware(protocol: string): ReturnType<Registrar["getMiddleware"]> {
    return this.#options.inner.getMiddleware(protocol);
  }

  #needsRepair(key: PeerKey): boolean {
    const connections = this.#options.connectionsOf(key);
    // A link that is just closing needs no repair.
    if (connections.length === 0 || !this.#options.keepsStreams) return false;
    return this.#options.allows(key) &&
      !connections.some((connection) =>
        connection.streams.some((stream) =>
          this.#protocols.has(stream.protocol) && stream.direction === "outbound" &&
          stream.status === "open"
        )
      );
  }

  #cutStreams(key: PeerKey): void {
    for (const connection of this.#options.connectionsOf(key)) {
      for (const stream of [...connection.streams]) {
        if (!this.#protocols.has(stream.protocol)) continue;
        this.#options.onRefused(key);
        stream.abort(new Error("Cannot keep a stream as the gate does not allow it any more"));
      }
    }
  }

  #tell(known: Known, { key, peerId }: { key: PeerKey; peerId: PeerId }): void {
    const [connection] = this.#options.connectionsOf(key);
    if (connection === undefined || known.told.has(key)) return;
    known.told.add(key);
    known.topology.onConnect?.(peerId, connection);
  }

  #takeBack(known: Known, { key, peerId }: { key: PeerKey; peerId: PeerId }): void {
    if (known.told.delete(key)) known.topology.onDisconnect?.(peerId);
  }
}
