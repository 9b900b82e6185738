/**
 * A JSON-RPC client in frames: many calls at a time on one connection, and streams on their own.
 *
 * Bytes are read where they land, in WebAssembly memory, while a scanner is free for the connection
 * (`OWN_SCANNERS_MAX` of them in a thread); a further connection copies them once instead. callRpc of
 * rpc_client.ts is the one-call client over HTTP.
 */
import type { Duplex } from "node:stream";
import type { Network } from "../ports/mod.ts";
import { FrameLanding } from "./frame_landing.ts";
import { encodeTextFrame, frameDecoder } from "./frames.ts";
import { encodeRequest, parseResponse } from "./json_rpc.ts";
import { FRAME_LIMITS } from "./listen.ts";
import { borrowScanner, returnScanner } from "./_shared_scanner.ts";
import { RemoteCallError, WireError } from "./wire_error.ts";

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

/** What came in a frame, by its kind. */
interface LineHandlers {
  readonly message: (value: Readonly<Record<string, unknown>>, text: string) => void;
  readonly closed: (error: WireError) => void;
}

/** One connection: texts go out in frames, texts come in. */
interface Line {
  readonly stream: Duplex;
  handlers: LineHandlers | undefined;
  /** @throws {WireError} "too-large" */
  send(text: string): void;
}

const decoder = new TextDecoder();

async function openLine(options: RpcConnectOptions, signal?: AbortSignal): Promise<Line> {
  const { network, path, frameBytesMax: bytesMax = FRAME_LIMITS.frameBytesMax } = options;
  const ending: { reason?: WireError } = {};
  function broken(error: WireError): void {
    ending.reason ??= error;
    line.stream.destroy();
  }
  function take(bytes: Uint8Array): void {
    const text = decoder.decode(bytes);
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value !== "object" || value === null) throw new SyntaxError("It is no object");
      line.handlers?.message(value as Readonly<Record<string, unknown>>, text);
    } catch (cause) {
      const message = "Cannot read the answer as it must be a JSON-RPC response";
      broken(new WireError({ code: "bad-response", message, cause }));
    }
  }
  const scanner = borrowScanner();
  const address = { kind: "unix", path } as const;
  let stream: Duplex;
  try {
    const into = scanner === undefined
      ? undefined
      : new FrameLanding({ scanner, bytesMax, take, onBroken: broken });
    stream = await network.dial(address, signal, into);
  } catch (thrown) {
    if (scanner !== undefined) returnScanner(scanner);
    throw thrown;
  }
  const line: Line = {
    stream,
    handlers: undefined,
    send: (text) => void stream.write(encodeTextFrame(text, { bytesMax })),
  };
  if (scanner === undefined) readCopied(stream, { bytesMax, take, broken });
  else stream.resume();
  stream.once("close", () => {
    if (scanner !== undefined) returnScanner(scanner);
    const message = "Cannot finish the call as the connection was closed";
    line.handlers?.closed(ending.reason ?? new WireError({ code: "closed", message }));
  });
  return line;
}

/** For a connection that has no scanner of its own. */
function readCopied(stream: Duplex, options: {
  readonly bytesMax: number;
  readonly take: (bytes: Uint8Array) => void;
  readonly broken: (error: WireError) => void;
}): void {
  const frames = frameDecoder({ bytesMax: options.bytesMax, utf8: true });
  stream.on("data", (bytes: Uint8Array) => {
    try {
      frames.push(bytes);
      for (let one = frames.next(); one !== undefined; one = frames.next()) options.take(one);
    } catch (thrown) {
      if (!(thrown instanceof WireError)) throw thrown;
      options.broken(thrown);
    }
  });
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
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

/** Items that may wait before their connection is read no further. */
const ITEMS_WAITING_MAX = 64;

/** The items of one stream, as they come. */
class IncomingItems {
  readonly #line: Line;
  readonly #unlink: () => void;
  readonly #items: unknown[] = [];
  #count = 0;
  #end: { readonly error: unknown } | "open" | "done" = "open";
  #wake: () => void = () => {};

  constructor(line: Line, signal: AbortSignal | undefined) {
    this.#line = line;
    line.handlers = {
      message: (value, text) => this.#receive(value, text),
      closed: (error) => this.#finish({ error }),
    };
    const onAbort = (): void => this.#finish({ error: signal?.reason });
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#unlink = (): void => signal?.removeEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
  }

  async *all(): AsyncGenerator<unknown, void, undefined> {
    for (;;) {
      while (this.#items.length > 0) {
        yield this.#items.shift();
        if (this.#items.length === 0) this.#line.stream.resume();
      }
      if (this.#end === "done") return;
      if (this.#end !== "open") throw this.#end.error;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  close(): void {
    this.#unlink();
  }

  /** The final answer says how many items there were. */
  #isEnd(value: unknown): boolean {
    return typeof value === "object" && value !== null &&
      Reflect.get(value, "items") === this.#count;
  }

  #receive(value: Readonly<Record<string, unknown>>, text: string): void {
    if (value["method"] === "rpc.stream") {
      this.#count += 1;
      this.#items.push(Reflect.get(Object(value["params"]), "item"));
      if (this.#items.length >= ITEMS_WAITING_MAX) this.#line.stream.pause();
      return this.#wake();
    }
    if (value["id"] === null) return this.#finish({ error: outcomeError(text) });
    settle(
      {
        resolve: (value) => this.#finish(this.#isEnd(value) ? "done" : { error: notAStream() }),
        reject: (error) => this.#finish({ error }),
      },
      text,
      1,
    );
  }

  #finish(end: { readonly error: unknown } | "done"): void {
    if (this.#end === "open") this.#end = end;
    this.#wake();
  }
}

function notAStream(): WireError {
  const message =
    "Cannot take the answer as it does not end the stream with the count of its items";
  return new WireError({ code: "bad-response", message });
}

function settle(waiting: Waiting, text: string, id: number): void {
  try {
    const outcome = parseResponse(text, id);
    if ("error" in outcome) waiting.reject(new RemoteCallError(outcome.error));
    else waiting.resolve(outcome.result);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    waiting.reject(new WireError({ code: "bad-response", message: detail, cause }));
  }
}

function outcomeError(text: string): Error {
  const refused: { error?: unknown } = {};
  settle({ resolve: () => {}, reject: (error) => void (refused.error = error) }, text, 0);
  if (refused.error instanceof Error) return refused.error;
  const message = "Cannot read the answer as it must name the call that it answers";
  return new WireError({ code: "bad-response", message });
}
