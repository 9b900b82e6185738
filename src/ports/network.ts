/**
 * The network port: local byte streams, listened for and dialled.
 *
 * A connection is a `node:stream` Duplex (the real adapter's is a socket), so HTTP is served by
 * handing it to a `node:http` server with `server.emit("connection", stream)`; both runtimes do.
 * The mesh's peer-to-peer port is another, wider one; this is what one machine's sockets need.
 */
import type { Duplex } from "node:stream";

/** Where to listen or dial: a Unix socket, or TCP (port 0 picks a free one). */
export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** Something that accepts connections until it is closed. */
export interface Listener {
  /** The bound address, with the port that was picked. */
  readonly address: Address;
  /** Stops accepting and, for a Unix socket, removes its file. Open connections go on. */
  close(): Promise<void>;
}

/** Why a network operation failed. */
export type NetworkErrorCode =
  | "in-use"
  | "refused"
  | "denied"
  | "path-too-long"
  | "not-found"
  | "io";

/** A failed listen or dial; what the platform said is the `cause`. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
  /** The kind of failure. */
  readonly code: NetworkErrorCode;

  /** @param options `message` is one sentence; `cause` is what the platform threw */
  constructor(options: { code: NetworkErrorCode; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
  }
}

/**
 * Memory that a dialled connection's bytes land in. Such a connection has no "data" events: `landed`
 * comes in their place, in the order of the bytes and before "end".
 */
export interface Landing {
  /** Where the next bytes go: at least one byte of room, which is left alone until `landed`. */
  space(): Uint8Array<ArrayBuffer>;
  /** So many bytes are there, from the start of what `space` gave; they may be moved or used now. */
  landed(byteCount: number): void;
}

/** Local sockets. */
export interface Network {
  /**
   * Accepts connections at `address`; a Unix socket is created 0600 in an existing directory and
   * an existing file there is "in-use" (the caller decides whether it is stale).
   */
  listen(address: Address, onConnection: (stream: Duplex) => void): Promise<Listener>;
  /**
   * Opens a connection; `signal` aborts the attempt. With `into` its bytes are read into that memory,
   * without a copy where the platform can; "pause" and "resume" hold for them too.
   */
  dial(address: Address, signal?: AbortSignal, into?: Landing): Promise<Duplex>;
}
