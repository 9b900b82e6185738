/**
 * A JSON-RPC client in frames: many calls at a time on one connection, and streams on their own.
 *
 * Bytes are read where they land, in WebAssembly memory, while a scanner is free for the connection
 * (`OWN_SCANNERS_MAX` of them in a thread); a further connection copies them once instead. callRpc of
 * rpc_client.ts is the one-call client over HTTP.
 */
import type { Network } from "../ports/mod.ts";
import { outcomeError, settle } from "./_answers.ts";
import type { Waiting } from "./_answers.ts";
import { openLine } from "./_frame_line.ts";
import type { Line } from "./_frame_line.ts";
import { IncomingItems } from "./_incoming_items.ts";
import { encodeRequest } from "./json_rpc.ts";
import { WireError } from "./wire_error.ts";

/** What `connectRpc` needs. */
export interface RpcConnectOptions {
  readonly network: Network;
  /** Absolute path of a service's `rpc.sock`. */
  readonly path: string;
  /** Aborts the attempt; later it closes the connection. */
  readonly signal?: AbortSignal;
  /** Bytes of a message, both ways; at most 8 MiB. @default {8388608} */
  readonly frameBytesMax?: number;
  /** Calls that may wait for an answer; one more is refused. @default {1024} */
  readonly inFlightMax?: number;
}

/** A connection to a service. */
export interface RpcConnection {
  /**
   * Calls a method; `signal` cancels the call at the other side.
   *
   * @throws {RemoteCallError} when the service answers with an error
   * @throws {WireError} "busy", "too-large", "closed", "bad-response"
   * @throws the signal's reason when it aborts
   */
  call(method: string, params?: unknown, signal?: AbortSignal): Promise<unknown>;
  /**
   * Iterates what a stream method gives, on a connection of its own, so that a slow reader holds back
   * its own stream and nothing else. Ending the iteration, or `signal`, cancels it.
   *
   * @throws as `call` does
   */
  stream(method: string, params?: unknown, signal?: AbortSignal): AsyncIterable<unknown>;
  /** Sends a notification, which nobody answers. */
  notify(method: string, params?: unknown): void;
  /** Closes; what waits for an answer fails with "closed". */
  close(): void;
  /** Closes. */
  [Symbol.dispose](): void;
}

/**
 * Connects to the service at `path`.
 *
 * @throws {NetworkError} when nothing listens there
 */
export async function connectRpc(options: RpcConnectOptions): Promise<RpcConnection> {
  const line = await openLine(options, options.signal);
  return new Connection(line, options);
}

class Connection implements RpcConnection {
  readonly #line: Line;
  readonly #options: RpcConnectOptions;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #closed: WireError | undefined;

  constructor(line: Line, options: RpcConnectOptions) {
    this.#line = line;
    this.#options = options;
    line.handlers = {
      message: (value, text) => this.#receive(value, text),
      closed: (error) => this.#end(error),
    };
    const { signal } = options;
    const onAbort = (): void => this.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    line.stream.once("close", () => signal?.removeEventListener("abort", onAbort));
  }

  async call(method: string, params?: unknown, signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed;
    const inFlightMax = this.#options.inFlightMax ?? 1024;
    if (this.#waiting.size >= inFlightMax) {
      const message = `Cannot call "${method}" as ${inFlightMax} calls wait for an answer already`;
      throw new WireError({ code: "busy", message });
    }
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const onAbort = (): void => {
      if (this.#waiting.delete(id)) this.notify("rpc.cancel", { id });
      reject(signal?.reason);
    };
    this.#line.send(encodeRequest({ id, method, params }));
    this.#waiting.set(id, { resolve, reject });
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async *stream(
    method: string,
    params?: unknown,
    signal?: AbortSignal,
  ): AsyncGenerator<unknown, void, undefined> {
    if (this.#closed !== undefined) throw this.#closed;
    const line = await openLine(this.#options, signal);
    const items = new IncomingItems(line, signal);
    try {
      line.send(encodeRequest({ id: 1, method, params }));
      yield* items.all();
    } finally {
      items.close();
      line.stream.destroy();
    }
  }

  notify(method: string, params?: unknown): void {
    if (this.#closed === undefined) this.#line.send(encodeRequest({ method, params }));
  }

  close(): void {
    this.#line.stream.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #receive(value: Readonly<Record<string, unknown>>, text: string): void {
    if (value["method"] === "rpc.stream") return this.#refuseItem(value["params"]);
    const id = value["id"];
    // What has been cancelled is answered all the same.
    const waiting = typeof id === "number" ? this.#waiting.get(id) : undefined;
    if (waiting !== undefined) {
      this.#waiting.delete(id as number);
      return settle(waiting, text, id as number);
    }
    if (id !== null) return;
    // The service could not tell which call it is: none can be answered any more.
    const error = outcomeError(text);
    for (const one of this.#waiting.values()) one.reject(error);
    this.#waiting.clear();
  }

  /** A stream was called as if it answered once. */
  #refuseItem(params: unknown): void {
    const id = Reflect.get(Object(params), "id") as number;
    const message = "Cannot take the answer as it is a stream, which must be consumed by stream()";
    this.#waiting.get(id)?.reject(new WireError({ code: "bad-response", message }));
    if (this.#waiting.delete(id)) this.notify("rpc.cancel", { id });
  }

  #end(error: WireError): void {
    this.#closed = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
