/**
 * The door of an `rpc.sock`: tells by a connection's first byte what it speaks.
 *
 * 0x00 is the first of the 4 bytes of a frame's length, since a frame holds less than 16 MiB; a letter
 * begins an HTTP/1.1 request line. Anything else is closed and counted. The first bytes are read by
 * "data"; for HTTP they are put back and the stream goes to the HTTP server, for frames they are
 * scanned where they are.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Address, Clock, Listener, Network } from "../ports/mod.ts";
import { FrameConnection } from "./_frame_connection.ts";
import type { FrameLimits } from "./_frame_connection.ts";
import type { RpcRunner } from "./rpc_face.ts";
import { HTTP_LIMITS, httpOnStreams } from "./serve_http.ts";
import type { HttpLimits, HttpServer, HttpStreams } from "./serve_http.ts";

/** The limits of frames that apply when nothing else is said. */
export const FRAME_LIMITS: FrameLimits = {
  frameBytesMax: 8 * 2 ** 20,
  inFlightMax: 64,
  inFlightBytesMax: 16 * 2 ** 20,
  frameTimeoutMs: 60_000,
  stallTimeoutMs: 60_000,
};

/** What `listen` needs. */
export interface ListenOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly address: Address;
  /** Answers HTTP requests; see `ServeHttpOptions`. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** Answers calls that come in frames. */
  readonly run: RpcRunner;
  /** @default {100} */
  readonly batchCallsMax?: number;
  /** `connectionsMax` and `headersTimeoutMs` hold for all connections. */
  readonly httpLimits?: Partial<HttpLimits>;
  readonly frameLimits?: Partial<FrameLimits>;
  /** Is told what the HTTP handler threw. */
  readonly onError?: (thrown: unknown) => void;
  /**
   * Is told of each connection that the door closed by itself: for its first byte, for a frame that may
   * not be, for taking too long, or for being one too many. HTTP's own server only counts its ones.
   */
  readonly onClosed?: (why: "stranger" | "broken" | "timed-out" | "refused") => void;
}

/** A running door. Its counters are those of both protocols together. */
export interface RpcServer extends HttpServer {
  /** Open connections that speak frames. */
  readonly frameConnectionCount: number;
  /** Connections that were closed for their first byte. */
  readonly strangerCount: number;
  /** Connections that were closed for a frame that was too long or no UTF-8. */
  readonly brokenCount: number;
}

/**
 * Listens at `address` and serves both protocols until `close`.
 *
 * @throws {NetworkError} when it can't listen
 */
export async function listen(options: ListenOptions): Promise<RpcServer> {
  const door = new Door(options);
  await door.open();
  return door;
}

class Door implements RpcServer {
  readonly #options: ListenOptions;
  readonly #httpLimits: HttpLimits;
  readonly #frameLimits: FrameLimits;
  readonly #http: HttpStreams;
  readonly #frames = new Map<Duplex, FrameConnection>();
  /** Connections that have not said anything yet. */
  readonly #silent = new Set<Duplex>();
  #listener: Listener | undefined;
  #draining = false;
  #onGone: () => void = ignore;
  #refused = 0;
  #timedOut = 0;
  strangerCount = 0;
  brokenCount = 0;

  constructor(options: ListenOptions) {
    this.#options = options;
    this.#httpLimits = { ...HTTP_LIMITS, ...options.httpLimits };
    this.#frameLimits = { ...FRAME_LIMITS, ...options.frameLimits };
    const { clock, handler, onError } = options;
    const limits = this.#httpLimits;
    this.#http = httpOnStreams({
      ...{ clock, handler, limits },
      ...(onError === undefined ? {} : { onError }),
    });
  }

  get address(): Address {
    return this.#listener?.address ?? this.#options.address;
  }

  get connectionCount(): number {
    return this.#http.connectionCount + this.#frames.size + this.#silent.size;
  }

  get frameConnectionCount(): number {
    return this.#frames.size;
  }

  get refusedCount(): number {
    return this.#refused + this.#http.refusedCount;
  }

  get timedOutCount(): number {
    return this.#timedOut + this.#http.timedOutCount;
  }

  async open(): Promise<void> {
    const { network, address } = this.#options;
    this.#listener = await network.listen(address, (stream) => this.#accept(stream));
  }

  async close(drainMs: number): Promise<void> {
    this.#draining = true;
    await this.#listener?.close();
    for (const stream of this.#silent) stream.destroy();
    for (const connection of this.#frames.values()) connection.drain();
    const destroyAll = (): void => {
      for (const connection of this.#frames.values()) connection.destroy();
    };
    if (drainMs === 0) destroyAll();
    const timer = this.#options.clock.after(drainMs, destroyAll);
    await this.#http.close(drainMs);
    while (this.#frames.size > 0) {
      await new Promise<void>((resolve) => {
        const others = this.#onGone;
        this.#onGone = (): void => {
          others();
          resolve();
        };
      });
    }
    timer.cancel();
  }

  #accept(stream: Duplex): void {
    stream.on("error", ignore);
    if (this.#draining || this.connectionCount >= this.#httpLimits.connectionsMax) {
      this.#refused += 1;
      this.#options.onClosed?.("refused");
      stream.destroy();
      return;
    }
    this.#silent.add(stream);
    const timer = this.#options.clock.after(this.#httpLimits.headersTimeoutMs, () => {
      this.#timeOut();
      stream.destroy();
    });
    const heard = (): void => {
      timer.cancel();
      this.#silent.delete(stream);
    };
    stream.once("close", heard);
    stream.once("data", (first: Uint8Array) => {
      stream.off("close", heard);
      stream.pause();
      heard();
      this.#welcome(stream, first);
    });
  }

  #welcome(stream: Duplex, first: Uint8Array): void {
    const byte = first[0] ?? 0xff;
    if (byte === 0) return this.#serveFrames(stream, first);
    if (isLetter(byte)) {
      stream.unshift(first);
      this.#http.accept(stream);
      return void stream.resume();
    }
    this.strangerCount += 1;
    this.#options.onClosed?.("stranger");
    stream.destroy();
  }

  #timeOut(): void {
    this.#timedOut += 1;
    this.#options.onClosed?.("timed-out");
  }

  #serveFrames(stream: Duplex, first: Uint8Array): void {
    const { clock, run, batchCallsMax } = this.#options;
    const connection = new FrameConnection(stream, {
      ...{ clock, run, limits: this.#frameLimits },
      ...(batchCallsMax === undefined ? {} : { batchCallsMax }),
      onTimeout: () => this.#timeOut(),
      onBroken: () => {
        this.brokenCount += 1;
        this.#options.onClosed?.("broken");
      },
    });
    this.#frames.set(stream, connection);
    stream.once("close", () => {
      this.#frames.delete(stream);
      const wake = this.#onGone;
      this.#onGone = ignore;
      wake();
    });
    connection.start(first);
  }
}

/** A method of HTTP begins with a letter: GET, POST ... */
function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function ignore(): void {}
