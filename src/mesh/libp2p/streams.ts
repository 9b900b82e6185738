/** Streams of frames over the links: those that this node opens, and those that it serves. */
import type { Connection, Stream } from "@libp2p/interface";
import { MeshError } from "../../ports/mod.ts";
import type {
  Clock,
  MeshCounters,
  MeshGate,
  MeshStream,
  PeerKey,
  ProtocolOptions,
} from "../../ports/mod.ts";
import { FrameStream } from "./frame_stream.ts";
import type { Registrar } from "./gated_registrar.ts";
import { acceptStream, awaitAnswer, refuseStream } from "./handshake.ts";
import { OPEN_TIMEOUT_MS, STREAMS_PER_PEER_MAX } from "./limits.ts";
import type { Link, Links } from "./links.ts";
import { bytesOfKey } from "./peer_keys.ts";
import { updateSeldom } from "./seldom_windows.ts";

/** Counters, as they are counted. */
export type Tally = { -readonly [Name in keyof MeshCounters]: MeshCounters[Name] };

/** Who serves a protocol, and how. */
export interface Handled {
  readonly handler: (stream: MeshStream) => void;
  readonly options: ProtocolOptions;
}

/** What streams are opened over, and by whose leave. */
export interface StreamsOptions {
  readonly clock: Clock;
  readonly gate: MeshGate;
  readonly links: Links;
  readonly registrar: Registrar;
  readonly handled: ReadonlyMap<string, Handled>;
  readonly tally: Tally;
  /** Called when libp2p does not take a protocol. */
  readonly onFailed: (protocol: string, cause: unknown) => void;
}

/** Opens and serves streams. */
export class Streams {
  readonly #options: StreamsOptions;
  readonly #served = new Set<string>();
  readonly #openStreams = new Map<string, number>();

  /** @param options links, gate and handlers; what `handled` has is served at once */
  constructor(options: StreamsOptions) {
    this.#options = options;
    this.serveAll();
  }

  /** Serves what `handled` has by now. */
  serveAll(): void {
    for (const protocol of this.#options.handled.keys()) this.serve(protocol);
  }

  /** See `MeshNetwork`. */
  async open(
    key: PeerKey,
    { protocol, signal }: { readonly protocol: string; readonly signal: AbortSignal | undefined },
  ): Promise<MeshStream> {
    bytesOfKey(key);
    const link = this.#options.links.bestOf(key);
    if (link === undefined) throw failure("unreachable", "there is no link with the peer");
    if (!this.#options.gate.allows(key, protocol)) {
      throw failure("refused", "this node does not allow it");
    }
    const timeout = new AbortController();
    const timer = this.#options.clock.after(OPEN_TIMEOUT_MS, () => timeout.abort());
    const both = signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]);
    try {
      return await this.#openOver(link, { protocol, signal: both });
    } catch (thrown) {
      signal?.throwIfAborted();
      throw openFailure(thrown, link.connection);
    } finally {
      timer.cancel();
    }
  }

  /** Serves a protocol that `handled` has; repeatable. */
  serve(protocol: string): void {
    if (this.#served.has(protocol)) return;
    this.#served.add(protocol);
    // Taken at once; what is awaited is libp2p's note of its own protocols.
    this.#options.registrar.handle(protocol, (stream, connection) => {
      this.#onStream(protocol, { stream, connection });
    }, { maxInboundStreams: Infinity, maxOutboundStreams: Infinity })
      .catch((cause) => this.#options.onFailed(protocol, cause));
  }

  /** Serves a protocol no more. */
  unserve(protocol: string): void {
    this.#served.delete(protocol);
    this.#options.registrar.unhandle(protocol).catch(() => {});
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
    const link = this.#options.links.of(connection);
    const handled = this.#options.handled.get(protocol);
    if (link === undefined || handled === undefined) {
      return stream.abort(new Error("Cannot serve a stream as its link or its server is gone"));
    }
    if (!this.#options.gate.allows(link.key, protocol)) {
      this.#options.tally.refusedStreams++;
      return refuseStream(stream, { answer: "refused", clock: this.#options.clock });
    }
    const place = `${link.key} ${protocol}`;
    const count = this.#openStreams.get(place) ?? 0;
    if (count >= (handled.options.streamsPerPeerMax ?? STREAMS_PER_PEER_MAX)) {
      this.#options.tally.refusedStreams++;
      return refuseStream(stream, { answer: "busy", clock: this.#options.clock });
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
    updateSeldom(stream);
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
