/**
 * An HTTP/1.1 server on connections that the Network port accepts.
 *
 * It is `node:http`'s server without its `listen`, which would open a socket past the port. Without
 * `listen` the platform enforces none of its time limits (both runtimes), so they are kept here, by
 * the Clock port: see `_http_connection.ts`. Not a router: the handler gets every request.
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Address, Clock, Listener, Network } from "../ports/mod.ts";
import { HttpConnection } from "./_http_connection.ts";

/** Limits of one HTTP server. */
export interface HttpLimits {
  /** Connections at the same time; one more is closed at once. @default {1024} */
  readonly connectionsMax: number;
  /** Bytes of a request's line and headers; beyond it, status 431. @default {16384} */
  readonly headerBytesMax: number;
  /** From the connection's start to the end of its first headers. @default {10000} */
  readonly headersTimeoutMs: number;
  /** From the headers' end to the body's end. @default {60000} */
  readonly bodyTimeoutMs: number;
  /** From a response's end to the end of the next request's headers. @default {15000} */
  readonly idleTimeoutMs: number;
  /** How long a client may leave a response unread while more is waiting. @default {60000} */
  readonly stallTimeoutMs: number;
}

/** The limits that apply when nothing else is said. */
export const HTTP_LIMITS: HttpLimits = {
  connectionsMax: 1024,
  headerBytesMax: 16_384,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  idleTimeoutMs: 15_000,
  stallTimeoutMs: 60_000,
};

/** What `serveHttp` needs. */
export interface ServeHttpOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly address: Address;
  /** Must not throw; what it throws all the same answers 500, or cuts a begun response. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  readonly limits?: Partial<HttpLimits>;
  /** Is told what the handler threw. */
  readonly onError?: (thrown: unknown) => void;
}

/** A running server. */
export interface HttpServer {
  /** Where it listens, with the port that was picked. */
  readonly address: Address;
  /** Open connections. */
  readonly connectionCount: number;
  /** Connections that were closed at once, being one too many. */
  readonly refusedCount: number;
  /** Connections that were closed by one of the time limits. */
  readonly timedOutCount: number;
  /**
   * Stops accepting, closes idle connections, lets running responses finish until `drainMs` has
   * passed and destroys the rest. A second call with a shorter time hastens the first.
   */
  close(drainMs: number): Promise<void>;
}

/**
 * Listens at `address` and serves until `close`.
 *
 * @throws {NetworkError} when it can't listen
 */
export async function serveHttp(options: ServeHttpOptions): Promise<HttpServer> {
  const server = new StreamHttpServer(options);
  await server.listen();
  return server;
}

class StreamHttpServer implements HttpServer {
  readonly #options: ServeHttpOptions;
  readonly #limits: HttpLimits;
  readonly #http: Server;
  readonly #open = new Map<object, HttpConnection>();
  #listener: Listener | undefined;
  #draining = false;
  #wake: () => void = () => {};
  refusedCount = 0;
  timedOutCount = 0;

  constructor(options: ServeHttpOptions) {
    this.#options = options;
    this.#limits = { ...HTTP_LIMITS, ...options.limits };
    this.#http = createServer({ maxHeaderSize: this.#limits.headerBytesMax });
    this.#http.timeout = 0;
    // Deno closes after every response of a server that says it does not listen; ours does.
    Object.defineProperty(this.#http, "listening", { get: () => !this.#draining });
    // What is said to the client ("Keep-Alive: timeout=..."), a second early, so that it does not
    // send into a closing connection.
    this.#http.keepAliveTimeout = Math.max(1_000, this.#limits.idleTimeoutMs - 1_000);
    this.#http.on("request", (request, response) => this.#onRequest(request, response));
    this.#http.on("clientError", answerClientError);
  }

  get address(): Address {
    return this.#listener?.address ?? this.#options.address;
  }

  get connectionCount(): number {
    return this.#open.size;
  }

  async listen(): Promise<void> {
    const { network, address } = this.#options;
    this.#listener = await network.listen(address, (stream) => this.#accept(stream));
  }

  async close(drainMs: number): Promise<void> {
    this.#draining = true;
    await this.#listener?.close();
    for (const connection of this.#open.values()) connection.drain();
    const destroyAll = (): void => {
      for (const connection of this.#open.values()) connection.destroy();
    };
    if (drainMs === 0) destroyAll();
    const timer = this.#options.clock.after(drainMs, destroyAll);
    while (this.#open.size > 0) {
      await new Promise<void>((resolve) => {
        const others = this.#wake;
        this.#wake = (): void => {
          others();
          resolve();
        };
      });
    }
    timer.cancel();
  }

  #accept(stream: Duplex): void {
    if (this.#draining || this.#open.size >= this.#limits.connectionsMax) {
      this.refusedCount += 1;
      stream.destroy();
      return;
    }
    const connection = new HttpConnection(stream, {
      clock: this.#options.clock,
      limits: this.#limits,
      onTimeout: (): void => void (this.timedOutCount += 1),
    });
    this.#open.set(stream, connection);
    stream.on("error", ignore);
    stream.once("close", () => {
      connection.ended();
      this.#open.delete(stream);
      const wake = this.#wake;
      this.#wake = ignore;
      wake();
    });
    this.#http.emit("connection", stream);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    this.#open.get(request.socket)?.begin(request, response);
    response.on("error", ignore);
    if (this.#draining) response.setHeader("connection", "close");
    try {
      this.#options.handler(request, response);
    } catch (thrown) {
      this.#options.onError?.(thrown);
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { "connection": "close", "content-length": 0 }).end();
    }
  }
}

/** Bytes that are no HTTP: the parser's refusal in one line, then the connection's end. */
function answerClientError(thrown: Error, stream: Duplex): void {
  if (stream.destroyed) return;
  const code: unknown = Reflect.get(thrown, "code");
  const status = code === "HPE_HEADER_OVERFLOW"
    ? "431 Request Header Fields Too Large"
    : "400 Bad Request";
  if (!stream.writable) return void stream.destroy();
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => {
    stream.destroy();
  });
}

function ignore(): void {}
