/**
 * An HTTP/1.1 server on connections that the Network port accepts.
 *
 * It is `node:http`'s server without its `listen`, which would open a socket past the port. Without
 * `listen` the platform enforces none of its time limits (both runtimes), so they are kept here, by
 * the Clock port: see `_http_connection.ts`. Not a router: the handler gets every request.
 */
import { createServer, STATUS_CODES } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Address, Clock, Listener, Network } from "../ports/mod.ts";
import { sendJson } from "./http_body.ts";
import { HttpConnection } from "./_http_connection.ts";
import type { RefusalStatus } from "./_http_connection.ts";

/** Limits of one HTTP server. */
export interface HttpLimits {
  /** Connections at the same time; one more is told 503 and closed. @default {1024} */
  readonly connectionsMax: number;
  /** Bytes of a request's line and headers; beyond it, status 431. @default {16384} */
  readonly headerBytesMax: number;
  /** From the connection's start to the end of its first headers. @default {10000} */
  readonly headersTimeoutMs: number;
  /** From the headers' end to the body's end. @default {60000} */
  readonly bodyTimeoutMs: number;
  /** From a response's end to the end of the next request's headers. @default {15000} */
  readonly idleTimeoutMs: number;
  /** Requests that one connection may send ahead of an answer; one more closes it. @default {32} */
  readonly pipelineMax: number;
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
  pipelineMax: 32,
  stallTimeoutMs: 60_000,
};

/** Connections that are being told 503 at the same time; further ones are closed without a word. */
const TURNED_AWAY_MAX = 64;

/** What a server needs beside its connections. */
export interface HttpStreamsOptions {
  readonly clock: Clock;
  /** Must not throw; what it throws all the same answers 500, or cuts a begun response. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  readonly limits?: Partial<HttpLimits>;
  /**
   * The JSON value that answers what never reaches the handler: no HTTP, too slow, one too many.
   * @default {`{ error: message }`}
   */
  readonly refusalBody?: (status: RefusalStatus, message: string) => unknown;
  /** Is told what the handler threw. */
  readonly onError?: (thrown: unknown) => void;
}

/** What `serveHttp` needs. */
export interface ServeHttpOptions extends HttpStreamsOptions {
  readonly network: Network;
  readonly address: Address;
}

/** A server on streams that somebody else accepts. */
export interface HttpStreams {
  /** Serves a connection; its first bytes may have been read and put back. */
  accept(stream: Duplex): void;
  /** Open connections. */
  readonly connectionCount: number;
  /** Connections that were refused, being one too many or having too many requests waiting. */
  readonly refusedCount: number;
  /** Connections that were closed by one of the time limits. */
  readonly timedOutCount: number;
  /**
   * Stops accepting, closes idle connections, answers the first request of new ones, lets running
   * responses finish until `drainMs` has passed and destroys the rest. A second call with a shorter
   * time hastens the first.
   */
  close(drainMs: number): Promise<void>;
}

/** A running server. */
export interface HttpServer extends Omit<HttpStreams, "accept"> {
  /** Where it listens, with the port that was picked. */
  readonly address: Address;
}

/** Makes a server for streams that the caller accepts. */
export function httpOnStreams(options: HttpStreamsOptions): HttpStreams {
  return new StreamHttpServer(options);
}

/**
 * Listens at `address` and serves until `close`.
 *
 * @throws {NetworkError} when it can't listen
 */
export async function serveHttp(options: ServeHttpOptions): Promise<HttpServer> {
  const server = new ListeningHttpServer(options);
  await server.listen();
  return server;
}

class StreamHttpServer implements HttpStreams {
  readonly #options: HttpStreamsOptions;
  readonly #limits: HttpLimits;
  readonly #http: Server;
  readonly #open = new Map<object, HttpConnection>();
  readonly #turnedAway = new Set<HttpConnection>();
  #draining = false;
  #isOver = false;
  #wake: () => void = () => {};
  refusedCount = 0;
  timedOutCount = 0;

  constructor(options: HttpStreamsOptions) {
    this.#options = options;
    this.#limits = { ...HTTP_LIMITS, ...options.limits };
    this.#http = createServer({
      maxHeaderSize: this.#limits.headerBytesMax,
      // Checked here, so that its absence gets a sentence.
      requireHostHeader: false,
    });
    this.#http.timeout = 0;
    // Deno closes after every response of a server that says it does not listen; ours does.
    Object.defineProperty(this.#http, "listening", { get: () => !this.#draining });
    // What is said to the client ("Keep-Alive: timeout=..."), a second early, so that it does not
    // send into a closing connection.
    this.#http.keepAliveTimeout = Math.max(1_000, this.#limits.idleTimeoutMs - 1_000);
    this.#http.on("request", (request, response) => this.#onRequest(request, response));
    this.#http.on("clientError", (thrown, stream) => this.#onClientError(thrown, stream));
  }

  get connectionCount(): number {
    return this.#open.size;
  }

  async close(drainMs: number): Promise<void> {
    this.#draining = true;
    for (const connection of this.#open.values()) connection.drain();
    for (const connection of this.#turnedAway) connection.destroy();
    const destroyAll = (): void => {
      this.#isOver = true;
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
    this.#isOver = true;
  }

  accept(stream: Duplex): void {
    stream.on("error", ignore);
    if (this.#isOver) return void stream.destroy();
    if (this.#open.size >= this.#limits.connectionsMax) return this.#turnAway(stream);
    const connection = this.#connection(stream);
    this.#open.set(stream, connection);
    // Accepted before the end, told of after it.
    if (this.#draining) connection.drain();
    stream.once("close", () => {
      this.#open.get(stream)?.ended();
      this.#open.delete(stream);
      const wake = this.#wake;
      this.#wake = ignore;
      wake();
    });
    this.#http.emit("connection", stream);
  }

  /** One connection too many: a few at a time are told so, the others only closed. */
  #turnAway(stream: Duplex): void {
    this.refusedCount += 1;
    if (this.#turnedAway.size >= TURNED_AWAY_MAX) return void stream.destroy();
    const connection = this.#connection(stream);
    this.#turnedAway.add(connection);
    stream.once("close", () => {
      connection.ended();
      this.#turnedAway.delete(connection);
    });
    const { connectionsMax } = this.#limits;
    const rule = `at most ${connectionsMax} may be open: try again later`;
    connection.refuse(503, `Cannot take the connection as ${rule}`);
  }

  #connection(stream: Duplex): HttpConnection {
    return new HttpConnection(stream, {
      clock: this.#options.clock,
      limits: this.#limits,
      onTimeout: (): void => void (this.timedOutCount += 1),
      refusal: (status, message) => this.#refusal(status, message),
    });
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#open.get(request.socket);
    const answer = (): void => this.#answer(request, response);
    response.on("error", ignore);
    if (connection?.take({ request, response, answer }) === false) this.refusedCount += 1;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.#draining) response.setHeader("connection", "close");
    const problem = hostProblem(request);
    if (problem !== undefined) {
      const body = this.#body(400, problem);
      return sendJson(response, { status: 400, body, headers: { connection: "close" } });
    }
    try {
      this.#options.handler(request, response);
    } catch (thrown) {
      this.#options.onError?.(thrown);
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { "connection": "close", "content-length": 0 }).end();
    }
  }

  /** Bytes that are no HTTP: the parser's refusal, then the connection's end. */
  #onClientError(thrown: Error, stream: Duplex): void {
    const connection = this.#open.get(stream);
    if (connection === undefined) return void stream.destroy();
    if (Reflect.get(thrown, "code") !== "HPE_HEADER_OVERFLOW") {
      return connection.refuse(400, "Cannot read the request as it must be HTTP/1.1");
    }
    const { headerBytesMax } = this.#limits;
    const rule = `its line and headers must hold at most ${headerBytesMax} bytes`;
    connection.refuse(431, `Cannot read the request as ${rule}`);
  }

  #body(status: RefusalStatus, message: string): string {
    return JSON.stringify(this.#options.refusalBody?.(status, message) ?? { error: message });
  }

  #refusal(status: RefusalStatus, message: string): string {
    const body = this.#body(status, message);
    const lines = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      "Connection: close",
      ...(status === 503 ? ["Retry-After: 1"] : []),
      "Content-Type: application/json",
      `Content-Length: ${new TextEncoder().encode(body).length}`,
    ];
    return `${lines.join("\r\n")}\r\n\r\n${body}`;
  }
}

/** RFC 9112, section 3.2: HTTP/1.1 has exactly one Host; the platform would take the first. */
function hostProblem(request: IncomingMessage): string | undefined {
  const names = request.rawHeaders.filter((_, i) => i % 2 === 0);
  const count = names.filter((name) => name.toLowerCase() === "host").length;
  if (count === 1 || (count === 0 && request.httpVersion === "1.0")) return undefined;
  return `Cannot answer the request as it must have one Host header: current count is ${count}`;
}

class ListeningHttpServer extends StreamHttpServer implements HttpServer {
  readonly #where: ServeHttpOptions;
  #listener: Listener | undefined;

  constructor(options: ServeHttpOptions) {
    super(options);
    this.#where = options;
  }

  get address(): Address {
    return this.#listener?.address ?? this.#where.address;
  }

  async listen(): Promise<void> {
    const { network, address } = this.#where;
    this.#listener = await network.listen(address, (stream) => this.accept(stream));
  }

  override async close(drainMs: number): Promise<void> {
    await this.#listener?.close();
    await super.close(drainMs);
  }
}

function ignore(): void {}
