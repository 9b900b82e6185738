/**
 * The mesh port: authenticated links to peers, streams of frames by protocol, gossip and finding.
 *
 * An adapter over libp2p (src/mesh/libp2p) and one over a simulated network (src/sim) have this
 * face. A peer is known by its Ed25519 public key, which the transport's handshake has proven; who
 * is let in, and to which protocol, is the gate's decision, on every transport alike. Nothing
 * listens before `listen` is called.
 */

/** A peer: its raw Ed25519 public key, 64 lowercase hexadecimal digits. */
export type PeerKey = string;

/** What carries a link. */
export type MeshTransport = "tcp" | "iroh" | "memory";

/** Longest frame of a stream, in bytes: 1 MiB. */
export const meshFrameBytesMax: number = 1024 * 1024;

/** Longest message of gossip, in bytes. */
export const gossipBytesMax: number = 64 * 1024;

/** A stream of whole frames in both directions, in order. */
export interface MeshStream {
  readonly peer: PeerKey;
  readonly protocol: string;
  readonly transport: MeshTransport;
  /**
   * Hands a frame over; its bytes must not be changed afterwards.
   *
   * @returns false when so much waits to be sent that the sender should wait for `drained`
   * @throws {MeshError} "closed"; "busy" when 8 MiB wait, as `drained` was not waited for
   * @throws {RangeError} for a frame longer than `meshFrameBytesMax`
   */
  send(frame: Uint8Array): boolean;
  /** Resolves when there is room again. @throws {MeshError} "closed" */
  drained(): Promise<void>;
  /**
   * Frames as they arrive; reading slowly slows the sender down. May be iterated once.
   *
   * @throws {MeshError} in the loop: "too-long" for a frame over the limit, "closed" for a broken link
   */
  readonly frames: AsyncIterable<Uint8Array>;
  /** Ends our direction once everything is sent. */
  close(): Promise<void>;
  /** Ends both directions at once; what waits is lost. */
  reset(): void;
  /** Resolves when the stream has ended in both directions or broken; never rejects. */
  readonly closed: Promise<void>;
}

/** A peer that a link leads to. */
export interface MeshPeer {
  readonly key: PeerKey;
  /** Of the fastest live link, which new streams take. */
  readonly transport: MeshTransport;
  /** Where it was dialled, or where it came from. */
  readonly address: string;
  readonly direction: "inbound" | "outbound";
  /** Round trip of the last probe of the link; undefined before the first. */
  readonly roundTripMs: number | undefined;
}

/** What happens to links. */
export type MeshEvent =
  | { readonly kind: "connected"; readonly peer: MeshPeer }
  /** The last link to the peer is gone. */
  | { readonly kind: "closed"; readonly key: PeerKey };

/** A message of gossip. */
export interface GossipMessage {
  /** Who published it first, proven by a signature. */
  readonly from: PeerKey;
  readonly topic: string;
  readonly bytes: Uint8Array;
}

/** Who may come in, and to what. The adapter asks for every link and for every stream, both ways. */
export interface MeshGate {
  /** Whether a link with this peer may exist at all. */
  admits(key: PeerKey): boolean;
  /**
   * Whether a stream of `protocol` may be opened by this peer, or to it; the transport's own
   * protocols for gossip and finding come as "gossip" and "find".
   */
  allows(key: PeerKey, protocol: string): boolean;
}

/** Why a mesh operation failed. */
export type MeshErrorCode =
  | "refused"
  | "unreachable"
  | "closed"
  | "too-long"
  | "busy"
  | "not-listening"
  | "no-transport";

/** A failed operation of the mesh; what the transport said is the `cause`. */
export class MeshError extends Error {
  override readonly name = "MeshError";
  /** The kind of failure. */
  readonly code: MeshErrorCode;

  /** @param options `message` is one sentence; `cause` is what the transport threw */
  constructor(options: { code: MeshErrorCode; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
  }
}

/** How to serve a protocol. */
export interface ProtocolOptions {
  /** Streams that one peer may have open at once; a further one is reset and counted. @default 32 */
  readonly streamsPerPeerMax?: number;
}

/** Where and how to be reachable. */
export interface MeshListenOptions {
  /** `host:port` for TCP (port 0 picks a free one), or false for none. */
  readonly tcp: string | false;
  /** Whether to be reachable by iroh too; without its native part this is left out and said. */
  readonly iroh: boolean;
  /** Public key of the mesh's issuer: handshakes are bound to it where the transport can. */
  readonly meshId: PeerKey;
}

/** What became of `listen`. */
export interface MeshListening {
  /** Multiaddresses at which others can dial, each with the peer id. */
  readonly addresses: readonly string[];
  /** One sentence for each transport that was asked for and can't be had. */
  readonly missing: readonly string[];
}

/** Counters since the start. */
export interface MeshCounters {
  readonly refusedLinks: number;
  readonly refusedStreams: number;
  readonly droppedGossip: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** One node's view of the mesh. */
export interface MeshNetwork {
  /** This node. */
  readonly self: PeerKey;
  /**
   * Opens ports; until then nothing listens, nothing is dialled and no library is loaded. Calling it
   * again changes nothing but answers the addresses.
   *
   * @throws {MeshError} "no-transport" when no transport can be had
   */
  listen(options: MeshListenOptions, gate: MeshGate): Promise<MeshListening>;
  /** Sees to it that there is a link. @throws {MeshError} "refused", "unreachable", "not-listening" */
  dial(
    key: PeerKey,
    options: { readonly addresses: readonly string[]; readonly signal: AbortSignal },
  ): Promise<void>;
  /** Opens a stream over a live link. @throws {MeshError} "unreachable", "refused", "busy" */
  open(key: PeerKey, protocol: string, signal?: AbortSignal): Promise<MeshStream>;
  /** Serves a protocol from now on, also before `listen`; the returned function ends it. */
  handle(
    protocol: string,
    handler: (stream: MeshStream) => void,
    options?: ProtocolOptions,
  ): () => void;
  /** Sends to all that subscribe. @throws {RangeError} over `gossipBytesMax`; {MeshError} */
  publish(topic: string, bytes: Uint8Array): Promise<void>;
  /** Messages of others, the oldest dropped (and counted) when 256 wait. */
  subscribe(topic: string, signal: AbortSignal): AsyncIterable<GossipMessage>;
  /** Tells the hash table that this node holds `key` (32 bytes); renewed until the signal aborts. */
  provide(key: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Who holds `key`, in no order; hints, to be checked. */
  find(key: Uint8Array, signal: AbortSignal): Promise<readonly PeerKey[]>;
  /** Live links' peers. */
  peers(): readonly MeshPeer[];
  /** Links that come and go from now on. */
  events(signal: AbortSignal): AsyncIterable<MeshEvent>;
  /**
   * The gate's answers about this peer may have changed: gossip and finding begin or end with it, and
   * a peer that is admitted no more loses its links.
   */
  gateChanged(key: PeerKey): void;
  /** Closes all links to a peer, at once. */
  disconnect(key: PeerKey): Promise<void>;
  counters(): MeshCounters;
  /** Closes everything; repeatable. */
  close(): Promise<void>;
}
