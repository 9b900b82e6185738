/**
 * One node's `MeshNetwork` over a simulated medium.
 */
import { gossipBytesMax, MeshError } from "../ports/mod.ts";
import type {
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
} from "../ports/mod.ts";
import { FrameQueue } from "./_frame_queue.ts";
import type { LinkOwner, MeshLink, SimulatedStream } from "./_mesh_link.ts";
import type { MeshMedium } from "./mesh_medium.ts";

/** Messages that may wait for one subscriber, and events for one listener. */
const gossipCountMax = 256;
const eventCountMax = 1024;
/** Peers that a message is passed on to, beside the next in the ring of keys. */
const gossipDegree = 6;

interface Handler {
  readonly serve: (stream: MeshStream) => void;
  readonly streamsPerPeerMax: number;
  readonly open: Map<PeerKey, number>;
}

/** What is passed from node to node. */
export interface GossipItem extends GossipMessage {
  /**
   * Who has it or is about to. Nobody is sent a second copy: where real nodes drop one on arrival,
   * here it does not even leave.
   */
  readonly reached: Set<PeerKey>;
}

/** A node of the medium. */
export class SimulatedMeshNode implements MeshNetwork, LinkOwner {
  readonly self: PeerKey;
  readonly #medium: MeshMedium;
  readonly #links = new Map<PeerKey, MeshLink>();
  readonly #handlers = new Map<string, Handler>();
  readonly #subscribers = new Map<string, Set<FrameQueue<GossipMessage>>>();
  readonly #listeners = new Set<FrameQueue<MeshEvent>>();
  readonly #counters = {
    refusedLinks: 0,
    refusedStreams: 0,
    droppedGossip: 0,
    sentBytes: 0,
    receivedBytes: 0,
  };
  #gate: MeshGate | undefined;
  #isClosed = false;
  #neighbours: readonly PeerKey[] | undefined;

  constructor(key: PeerKey, medium: MeshMedium) {
    this.self = key;
    this.#medium = medium;
  }

  get key(): PeerKey {
    return this.self;
  }

  /** Whether it can be dialled. */
  get isListening(): boolean {
    return this.#gate !== undefined && !this.#isClosed;
  }

  listen(_options: MeshListenOptions, gate: MeshGate): Promise<MeshListening> {
    if (this.#isClosed || this.#gate === undefined) {
      this.#gate = gate;
      this.#isClosed = false;
      this.#medium.enter(this);
    }
    return Promise.resolve({ addresses: [`/memory/${this.self}`], missing: [] });
  }

  async dial(
    key: PeerKey,
    options: { readonly addresses: readonly string[]; readonly signal: AbortSignal },
  ): Promise<void> {
    const gate = this.#openGate();
    if (this.#links.has(key)) return;
    if (!gate.admits(key)) {
      throw failure("refused", `dial peer ${short(key)}`, "it is not admitted");
    }
    await this.#medium.dial(this, key, options.signal);
  }

  /** Whether a link with `key` may be taken in. */
  admits(key: PeerKey): boolean {
    const isAdmitted = this.isListening && this.#gate?.admits(key) === true;
    if (!isAdmitted) this.#counters.refusedLinks++;
    return isAdmitted;
  }

  /** Whether there is a link with `key`. */
  isLinked(key: PeerKey): boolean {
    return this.#links.has(key);
  }

  /** Takes a new link in. */
  adopt(link: MeshLink): void {
    const { key } = link.other(this.self);
    this.#links.set(key, link);
    this.#neighbours = undefined;
    this.#tell({ kind: "connected", peer: this.#peerOf(key, link) });
  }

  onLinkClosed(link: MeshLink): void {
    const { key } = link.other(this.self);
    if (this.#links.get(key) !== link) return;
    this.#links.delete(key);
    this.#neighbours = undefined;
    this.#tell({ kind: "closed", key });
  }

  onBytes(direction: "sent" | "received", count: number): void {
    this.#counters[direction === "sent" ? "sentBytes" : "receivedBytes"] += count;
  }

  async open(key: PeerKey, protocol: string, signal?: AbortSignal): Promise<MeshStream> {
    signal?.throwIfAborted();
    const gate = this.#openGate();
    const link = this.#links.get(key);
    const what = `open "${protocol}" to peer ${short(key)}`;
    if (link === undefined) throw failure("unreachable", what, "there is no link");
    if (!gate.allows(key, protocol)) throw failure("refused", what, "it is not allowed");
    const stream = await link.open(this.self, protocol);
    if (signal?.aborted) stream.reset();
    signal?.throwIfAborted();
    return stream;
  }

  accept(stream: SimulatedStream): MeshError | undefined {
    const { peer, protocol } = stream;
    const handler = this.#handlers.get(protocol);
    const what = `open "${protocol}" to peer ${short(this.self)}`;
    if (handler === undefined || this.#gate?.allows(peer, protocol) !== true) {
      this.#counters.refusedStreams++;
      return failure("refused", what, "it does not serve that");
    }
    const open = handler.open.get(peer) ?? 0;
    if (open >= handler.streamsPerPeerMax) {
      this.#counters.refusedStreams++;
      return failure("busy", what, `it takes at most ${handler.streamsPerPeerMax} of a peer`);
    }
    handler.open.set(peer, open + 1);
    void stream.closed.then(() => handler.open.set(peer, (handler.open.get(peer) ?? 1) - 1));
    handler.serve(stream);
    return undefined;
  }

  handle(
    protocol: string,
    serve: (stream: MeshStream) => void,
    options: ProtocolOptions = {},
  ): () => void {
    const { streamsPerPeerMax = 32 } = options;
    const handler: Handler = { serve, streamsPerPeerMax, open: new Map() };
    this.#handlers.set(protocol, handler);
    return () => {
      if (this.#handlers.get(protocol) === handler) this.#handlers.delete(protocol);
    };
  }

  // deno-lint-ignore require-await -- a port's method rejects, never throws
  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    this.#openGate();
    if (bytes.length > gossipBytesMax) {
      throw new RangeError(
        `Cannot publish as a message must have at most ${gossipBytesMax} bytes: current value is ${bytes.length}`,
      );
    }
    this.#pass({ topic, bytes, from: this.self, reached: new Set([this.self]) });
  }

  /** A message comes over a link. */
  onGossip(item: GossipItem): void {
    if (this.#isClosed) return;
    for (const queue of this.#subscribers.get(item.topic) ?? []) {
      if (queue.length >= gossipCountMax) {
        queue.shift();
        this.#counters.droppedGossip++;
      }
      queue.push(item);
    }
    this.#pass(item);
  }

  subscribe(topic: string, signal: AbortSignal): AsyncIterable<GossipMessage> {
    const all = this.#subscribers.get(topic) ?? new Set();
    this.#subscribers.set(topic, all);
    return enlist(all, signal);
  }

  events(signal: AbortSignal): AsyncIterable<MeshEvent> {
    return enlist(this.#listeners, signal);
  }

  async provide(key: Uint8Array, signal: AbortSignal): Promise<void> {
    this.#openGate();
    await this.#medium.provide(this.self, key, signal);
  }

  async find(key: Uint8Array, signal: AbortSignal): Promise<readonly PeerKey[]> {
    this.#openGate();
    return await this.#medium.find(this.self, key, signal);
  }

  peers(): readonly MeshPeer[] {
    return [...this.#links].map(([key, link]) => this.#peerOf(key, link));
  }

  gateChanged(key: PeerKey): void {
    if (this.#gate?.admits(key) === false) this.#links.get(key)?.break();
  }

  // deno-lint-ignore require-await -- a port's method rejects, never throws
  async disconnect(key: PeerKey): Promise<void> {
    this.#links.get(key)?.break();
  }

  counters(): MeshCounters {
    return { ...this.#counters };
  }

  // deno-lint-ignore require-await -- a port's method rejects, never throws
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const link of [...this.#links.values()]) link.break();
    for (const queue of this.#listeners) queue.end();
    for (const queues of this.#subscribers.values()) for (const queue of queues) queue.end();
    this.#medium.leave(this);
  }

  #openGate(): MeshGate {
    if (this.#isClosed) throw failure("closed", "use the mesh", "it has been closed");
    if (this.#gate !== undefined) return this.#gate;
    throw failure("not-listening", "use the mesh", "this node is in none");
  }

  #pass(item: GossipItem): void {
    this.#neighbours ??= this.#medium.neighbours(this.self, [...this.#links.keys()], gossipDegree);
    for (const key of this.#neighbours) {
      if (item.reached.has(key)) continue;
      const link = this.#links.get(key);
      const far = this.#medium.nodeOf(key);
      if (link === undefined || far === undefined) continue;
      if (this.#gate?.allows(key, "gossip") !== true || !far.hears(this.self)) continue;
      if (this.#medium.losesGossip() || this.#medium.isParted(this.self, key)) continue;
      item.reached.add(key);
      link.carry(this.self, () => far.onGossip(item));
    }
  }

  /** Whether it takes gossip of `key`. */
  hears(key: PeerKey): boolean {
    return this.#gate?.allows(key, "gossip") === true;
  }

  #peerOf(key: PeerKey, link: MeshLink): MeshPeer {
    const direction = link.ends[0].key === this.self ? "outbound" : "inbound";
    const roundTripMs = this.#medium.roundTripMs(this.self, key);
    return { key, transport: "memory", address: `/memory/${key}`, direction, roundTripMs };
  }

  #tell(event: MeshEvent): void {
    for (const queue of this.#listeners) {
      if (queue.length >= eventCountMax) queue.shift();
      queue.push(event);
    }
  }
}

function enlist<T>(all: Set<FrameQueue<T>>, signal: AbortSignal): FrameQueue<T> {
  const queue = new FrameQueue<T>();
  if (signal.aborted) queue.end();
  else all.add(queue);
  signal.addEventListener("abort", () => {
    all.delete(queue);
    queue.end();
  }, { once: true });
  return queue;
}

function failure(code: MeshError["code"], what: string, why: string): MeshError {
  return new MeshError({ code, message: `Cannot ${what} as ${why}` });
}

function short(key: PeerKey): string {
  return key.slice(0, 12);
}
