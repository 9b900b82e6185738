/** Provider records in a Kademlia table among the peers of the mesh, and who of them keeps it. */
import type { KadDHT, KadDHTComponents } from "@libp2p/kad-dht";
import { kadDHT } from "@libp2p/kad-dht";
import { CID } from "multiformats/cid";
import { create as digestOf } from "multiformats/hashes/digest";
import type { Clock, PeerKey } from "../../ports/mod.ts";
import type { Registrar } from "./gated_registrar.ts";
import { FIND_SERVERS_MAX, FIND_TIMEOUT_MS, FOUND_MAX, PROVIDE_INTERVAL_MS } from "./limits.ts";
import { keyOfPeerId } from "./peer_keys.ts";

/**
 * The table's records are found by a multihash, which its messages read as a CID of version 0: that
 * knows SHA-256 alone. The 32 bytes are a digest of whatever kind; the name of its function is lost.
 */
const CODE_SHA_256 = 0x12;

/** The table's protocol; a mesh of ours only, never the public one. */
const KAD_PROTOCOL = "/skep/kad/1.0.0";

const KEY_BYTES = 32;

/** What libp2p calls to open a stream or a link. */
type ConnectionManager = KadDHTComponents["connectionManager"];

/** How the table asks the gate. */
export interface FinderGate {
  readonly registrar: (inner: Registrar) => Registrar;
  readonly allows: (key: PeerKey) => boolean;
}

/** The service factory for libp2p. */
export function finderService(gate: FinderGate): (components: KadDHTComponents) => KadDHT {
  const create = kadDHT({
    protocol: KAD_PROTOCOL,
    clientMode: false,
    allowQueryWithZeroPeers: true,
    initialQuerySelfInterval: 0,
    // Addresses of a private network are what a mesh is made of; the default drops them.
    peerInfoMapper: (peer) => peer,
  });
  return (components) =>
    create({
      peerId: components.peerId,
      privateKey: components.privateKey,
      addressManager: components.addressManager,
      peerStore: components.peerStore,
      datastore: components.datastore,
      events: components.events,
      logger: components.logger,
      ping: components.ping,
      registrar: gate.registrar(components.registrar),
      connectionManager: gatedManager(components.connectionManager, gate.allows),
    });
}

/** A connection manager that opens streams to peers that the gate allows; the rest is as it was. */
function gatedManager(
  inner: ConnectionManager,
  allows: (key: PeerKey) => boolean,
): ConnectionManager {
  const openStream: ConnectionManager["openStream"] = (peer, protocols, options) => {
    const key = "publicKey" in peer ? keyOfPeerId(peer) : undefined;
    if (key !== undefined && allows(key)) return inner.openStream(peer, protocols, options);
    return Promise.reject(new Error("Cannot ask a peer as the gate does not allow it"));
  };
  return new Proxy(inner, {
    get(target, name): unknown {
      if (name === "openStream") return openStream;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Providing and finding over a running table. */
export class Finder {
  readonly #table: KadDHT;
  readonly #self: PeerKey;
  readonly #clock: Clock;

  /** @param table the service; @param node this node's key, and timers */
  constructor(table: KadDHT, node: { readonly self: PeerKey; readonly clock: Clock }) {
    this.#table = table;
    this.#self = node.self;
    this.#clock = node.clock;
  }

  /** See `MeshNetwork`: tells once, then again each hour and when `links` changed, till the signal. */
  async provide(key: Uint8Array, signal: AbortSignal): Promise<void> {
    const cid = cidOf(key);
    signal.throwIfAborted();
    await this.#tell(cid, signal);
    signal.addEventListener("abort", () => void this.#forget(cid), { once: true });
    void this.#tellAgain(cid, signal);
  }

  /** See `MeshNetwork`. */
  async find(key: Uint8Array, signal: AbortSignal): Promise<readonly PeerKey[]> {
    const found = new Set<PeerKey>();
    const limited = this.#limited(signal);
    try {
      for await (const event of this.#table.findProviders(cidOf(key), { signal: limited.signal })) {
        if (event.name !== "PROVIDER" && event.name !== "PEER_RESPONSE") continue;
        for (const { id } of event.providers) {
          const holder = keyOfPeerId(id);
          if (holder !== undefined && holder !== this.#self) found.add(holder);
        }
        if (found.size >= FOUND_MAX) break;
      }
    } catch (thrown) {
      signal.throwIfAborted();
      // Time is up: what was found till then is an answer, as all of it are hints.
      if (!limited.signal.aborted) throw thrown;
    } finally {
      limited.cancel();
    }
    return [...found].slice(0, FOUND_MAX);
  }

  /**
   * Keeps the table or only asks, by how many nodes there are: with each node keeping it, a hundred
   * of them open some thirty links each to do so.
   */
  async settle(others: readonly PeerKey[]): Promise<void> {
    const lower = others.filter((key) => key < this.#self).length;
    const mode = lower < FIND_SERVERS_MAX ? "server" : "client";
    if (this.#table.getMode() !== mode) await this.#table.setMode(mode);
  }

  async #tell(cid: CID, signal: AbortSignal): Promise<void> {
    const limited = this.#limited(signal);
    try {
      for await (const _ of this.#table.provide(cid, { signal: limited.signal }));
    } catch (thrown) {
      signal.throwIfAborted();
      if (!limited.signal.aborted) throw thrown;
    } finally {
      limited.cancel();
    }
  }

  async #tellAgain(cid: CID, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        await this.#clock.sleep(PROVIDE_INTERVAL_MS, signal);
        await this.#tell(cid, signal);
      }
    } catch {
      // The signal ended it, or nobody could be told: records are hints, and the next hour comes.
    }
  }

  async #forget(cid: CID): Promise<void> {
    try {
      await this.#table.cancelReprovide(cid);
    } catch {
      // The table is closed already.
    }
  }

  #limited(signal: AbortSignal): { readonly signal: AbortSignal; cancel(): void } {
    const controller = new AbortController();
    const timer = this.#clock.after(FIND_TIMEOUT_MS, () => controller.abort());
    return {
      signal: AbortSignal.any([signal, controller.signal]),
      cancel: (): void => timer.cancel(),
    };
  }
}

function cidOf(key: Uint8Array): CID {
  if (key.length === KEY_BYTES) return CID.createV0(digestOf(CODE_SHA_256, key));
  throw new RangeError(
    `Cannot use a key of the hash table as it must have ${KEY_BYTES} bytes: current value is ${key.length}`,
  );
}
