/**
 * The network port in memory: connections are pairs of streams, delayed by a clock. It has no file
 * system, so a Unix address is only a name: its directory need not exist and no file appears.
 */
import { Duplex } from "node:stream";
import { NetworkError } from "../ports/mod.ts";
import type { Address, Clock, Landing, Listener, Network, NetworkErrorCode } from "../ports/mod.ts";

/** First port handed out for port 0 (the dynamic range of RFC 6335 section 6). */
const DYNAMIC_PORT_FIRST = 49152;

/** Longest Unix path in bytes, as on Linux. */
const UNIX_PATH_BYTES_MAX = 107;

/** How a memory network behaves. */
export interface MemoryNetworkOptions {
  /** Drives the latency; without it, data arrives at once. */
  readonly clock?: Clock;
  /** One-way delay of data and of a connection attempt, in milliseconds. @default 0 */
  readonly latencyMs?: number;
}

/** An in-memory `Network`; everything that uses the same object can reach each other. */
export class MemoryNetwork implements Network {
  readonly #listeners = new Map<string, { readonly accept: (stream: Duplex) => void }>();
  readonly #deliver: (fn: () => void) => void;
  #nextPort = DYNAMIC_PORT_FIRST;

  /** @param options latency and its clock */
  constructor(options: MemoryNetworkOptions = {}) {
    const { clock, latencyMs = 0 } = options;
    this.#deliver = clock === undefined || latencyMs === 0
      ? queueMicrotask
      : (fn): void => void clock.after(latencyMs, fn);
  }

  /** See `Network`. */
  // deno-lint-ignore require-await -- a port's method rejects, never throws
  async listen(address: Address, onConnection: (stream: Duplex) => void): Promise<Listener> {
    checkPath(address, "listen on");
    const bound = this.#bind(address);
    const key = keyOf(bound);
    if (this.#listeners.has(key)) throw failure("in-use", { verb: "listen on", key });
    const entry = { accept: onConnection };
    this.#listeners.set(key, entry);
    const close = (): Promise<void> => {
      if (this.#listeners.get(key) === entry) this.#listeners.delete(key);
      return Promise.resolve();
    };
    return { address: bound, close };
  }

  /** See `Network`. */
  dial(address: Address, signal?: AbortSignal, into?: Landing): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      checkPath(address, "dial");
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#deliver(() => {
        signal?.removeEventListener("abort", onAbort);
        if (signal?.aborted) return;
        const key = keyOf(address);
        const listener = this.#listeners.get(key);
        if (listener === undefined) {
          const code = address.kind === "unix" ? "not-found" : "refused";
          return reject(failure(code, { verb: "dial", key }));
        }
        const near = new PipeEnd(this.#deliver);
        const far = new PipeEnd(this.#deliver);
        near.join(far);
        far.join(near);
        if (into !== undefined) near.on("data", (chunk: Uint8Array) => land(chunk, into));
        listener.accept(far);
        resolve(near);
      });
    });
  }

  #bind(address: Address): Address {
    if (address.kind === "unix" || address.port !== 0) return address;
    return { ...address, port: this.#nextPort++ };
  }
}

/** One end of a connection; a write completes when the other end wants more. */
class PipeEnd extends Duplex {
  readonly #deliver: (fn: () => void) => void;
  #peer: PipeEnd | undefined;
  /** Lets the peer's blocked write go on; set while our read buffer is full. */
  #resume: (() => void) | undefined;

  constructor(deliver: (fn: () => void) => void) {
    super({ allowHalfOpen: false });
    this.#deliver = deliver;
    this.on("error", () => {});
  }

  join(peer: PipeEnd): void {
    this.#peer = peer;
  }

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    const copy = chunk.slice();
    this.#deliver(() => this.#peer?.accept(copy, done));
  }

  override _final(done: () => void): void {
    this.#deliver(() => {
      this.#peer?.accept(null, done);
    });
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this._read();
    this.#deliver(() => this.#peer?.hangUp());
    done(error);
  }

  accept(chunk: Uint8Array | null, done: () => void): void {
    if (this.destroyed || this.readableEnded) return done();
    if (this.push(chunk) || chunk === null) return done();
    this.#resume = done;
  }

  /** The other end is gone: what arrived before is still read, then the stream ends. */
  hangUp(): void {
    if (this.destroyed) return;
    if (!this.readableEnded) this.push(null);
    this.end();
  }
}

/** Copies, as nothing here reads from a socket. */
function land(chunk: Uint8Array, into: Landing): void {
  for (let rest = chunk; rest.length > 0;) {
    const space = into.space();
    const piece = rest.subarray(0, space.length);
    space.set(piece);
    into.landed(piece.length);
    rest = rest.subarray(piece.length);
  }
}

function keyOf(address: Address): string {
  return address.kind === "unix" ? `unix:${address.path}` : `tcp:${address.host}:${address.port}`;
}

function checkPath(address: Address, verb: string): void {
  if (address.kind !== "unix") return;
  if (new TextEncoder().encode(address.path).length <= UNIX_PATH_BYTES_MAX) return;
  throw failure("path-too-long", { verb, key: address.path });
}

function failure(code: NetworkErrorCode, at: { verb: string; key: string }): NetworkError {
  const message = `Cannot ${at.verb} "${at.key}" as the memory network reports "${code}"`;
  return new NetworkError({ code, message });
}
