/**
 * The mesh port over libp2p: TCP with Noise and yamux, iroh beside it where its native part is there.
 *
 * Nothing is loaded and nothing listens before `listen`. What libp2p does is in `running_mesh.ts`,
 * which lives from `listen` to `close`; this object holds what outlives it: who serves which protocol,
 * who follows which topic, who wants to know of links.
 */
import { identityFromSeed } from "../../identity/mod.ts";
import { encodeHex } from "../../hot/mod.ts";
import { MeshError } from "../../ports/mod.ts";
import type {
  Clock,
  GossipMessage,
  MeshCounters,
  MeshEvent,
  MeshGate,
  MeshListening,
  MeshListenOptions,
  MeshNetwork,
  MeshPeer,
  MeshStream,
  PeerKey,
  ProtocolOptions,
} from "../../ports/mod.ts";
import { EventQueue } from "./event_queue.ts";
import { EVENT_QUEUE_MAX } from "./limits.ts";
import type { MeshLog, RunningMesh } from "./running_mesh.ts";
import type { Handled, Tally } from "./streams.ts";
import { Subscriptions } from "./subscriptions.ts";

/** What the adapter is made of. */
export interface Libp2pMeshOptions {
  /** 32 bytes of Ed25519 seed: peer id, iroh endpoint id and node id are all of this key. */
  readonly seed: Uint8Array;
  readonly clock: Clock;
  /** Told of links that died or were refused. */
  readonly log?: MeshLog;
}

/**
 * A mesh over libp2p; it loads and opens nothing yet.
 *
 * @throws {RangeError} when the seed has not 32 bytes
 */
export function createLibp2pMesh(options: Libp2pMeshOptions): MeshNetwork {
  return new Libp2pMesh(options);
}

class Libp2pMesh implements MeshNetwork {
  readonly self: PeerKey;
  readonly #options: Libp2pMeshOptions;
  readonly #handled = new Map<string, Handled>();
  readonly #followers = new Set<EventQueue<MeshEvent>>();
  readonly #tally: Tally = {
    refusedLinks: 0,
    refusedStreams: 0,
    droppedGossip: 0,
    sentBytes: 0,
    receivedBytes: 0,
  };
  readonly #subscriptions = new Subscriptions(() => this.#tally.droppedGossip++);
  #starting: Promise<RunningMesh> | undefined;
  #running: RunningMesh | undefined;

  constructor(options: Libp2pMeshOptions) {
    this.self = encodeHex(identityFromSeed(options.seed).publicKey);
    this.#options = { ...options, seed: options.seed.slice() };
  }

  async listen(options: MeshListenOptions, gate: MeshGate): Promise<MeshListening> {
    this.#starting ??= this.#start(options, gate);
    return (await this.#starting).listening;
  }

  async dial(
    key: PeerKey,
    options: { readonly addresses: readonly string[]; readonly signal: AbortSignal },
  ): Promise<void> {
    await this.#up().dial(key, options);
  }

  async open(key: PeerKey, protocol: string, signal?: AbortSignal): Promise<MeshStream> {
    return await this.#up().streams.open(key, { protocol, signal });
  }

  handle(
    protocol: string,
    handler: (stream: MeshStream) => void,
    options: ProtocolOptions = {},
  ): () => void {
    if (this.#handled.has(protocol)) {
      throw new TypeError(`Cannot serve "${protocol}" as it is served already`);
    }
    const handled = { handler, options };
    this.#handled.set(protocol, handled);
    this.#running?.streams.serve(protocol);
    return (): void => {
      if (this.#handled.get(protocol) !== handled) return;
      this.#handled.delete(protocol);
      this.#running?.streams.unserve(protocol);
    };
  }

  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    await this.#up().gossip.publish(topic, bytes);
  }

  subscribe(topic: string, signal: AbortSignal): AsyncIterable<GossipMessage> {
    return this.#subscriptions.subscribe(topic, signal);
  }

  async provide(key: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#up().finder.provide(key, signal);
  }

  async find(key: Uint8Array, signal: AbortSignal): Promise<readonly PeerKey[]> {
    return await this.#up().finder.find(key, signal);
  }

  peers(): readonly MeshPeer[] {
    return this.#running?.links.peers() ?? [];
  }

  events(signal: AbortSignal): AsyncIterable<MeshEvent> {
    const queue = new EventQueue<MeshEvent>({
      lengthMax: EVENT_QUEUE_MAX,
      signal,
      onEnd: () => this.#followers.delete(queue),
    });
    if (!signal.aborted) this.#followers.add(queue);
    return queue;
  }

  gateChanged(key: PeerKey): void {
    this.#running?.gateChanged(key);
  }

  async disconnect(key: PeerKey): Promise<void> {
    await this.#running?.disconnect(key);
  }

  counters(): MeshCounters {
    return { ...this.#tally };
  }

  async close(): Promise<void> {
    const starting = this.#starting;
    this.#starting = undefined;
    const running = await starting?.catch(() => undefined);
    this.#running = undefined;
    await running?.close();
  }

  async #start(options: MeshListenOptions, gate: MeshGate): Promise<RunningMesh> {
    try {
      const { startMesh } = await import("./running_mesh.ts");
      this.#running = await startMesh({
        ...this.#options,
        self: this.self,
        listen: options,
        gate,
        handled: this.#handled,
        subscriptions: this.#subscriptions,
        tally: this.#tally,
        onEvent: (event) => {
          for (const follower of [...this.#followers]) follower.push(event);
        },
      });
      // Who came to serve while it started is served from now on.
      this.#running.streams.serveAll();
      return this.#running;
    } catch (thrown) {
      this.#starting = undefined;
      throw thrown;
    }
  }

  #up(): RunningMesh {
    if (this.#running !== undefined) return this.#running;
    throw new MeshError({
      code: "not-listening",
      message: "Cannot reach the mesh as this node is not listening in one",
    });
  }
}
