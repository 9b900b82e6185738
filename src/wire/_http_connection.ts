/**
 * The time limits of one HTTP connection, the order of its requests, its end, its part in a drain.
 *
 * States: waiting for headers -> reading a body -> answering -> waiting again. Exactly one timer
 * runs at a time. Requests that are sent ahead of an answer (RFC 9112, section 9.3.2) wait for it:
 * one request of a connection is worked at, and those that wait go with their connection. State is
 * told by the server's events only; nothing listens for the stream's data, which would take it from
 * the parser.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock, Timer } from "../ports/mod.ts";
import type { HttpLimits } from "./serve_http.ts";

/** How long a last answer may take to be read, and what its client still sends is passed over. */
const GOODBYE_MS = 1_000;

/** How long a drain waits for the first request of a connection, which may be on its way. */
const FIRST_REQUEST_MS = 1_000;

/** What a connection needs of its server. */
export interface ConnectionOptions {
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly onTimeout: () => void;
  /** The bytes of a last answer. */
  readonly refusal: (status: RefusalStatus, message: string) => string;
}

/** Statuses of answers that the server gives without its handler. */
export type RefusalStatus = 400 | 408 | 431 | 503;

/** A request and how to begin answering it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly answer: () => void;
}

/** One accepted stream. */
export class HttpConnection {
  readonly #stream: Duplex;
  readonly #options: ConnectionOptions;
  #timer: Timer | undefined;
  #answering = false;
  #isFresh = true;
  readonly #waiting: Exchange[] = [];
  #draining = false;
  #closing = false;
  /** Takes the listener of `#watchStall` off; else one would be left for each request. */
  #unwatch: () => void = () => {};

  constructor(stream: Duplex, options: ConnectionOptions) {
    this.#stream = stream;
    this.#options = options;
    // The platform calls it after a last response. A socket that is closed with bytes unread is
    // reset, and its client may lose the response: so they are read for a while.
    Object.defineProperty(stream, "destroySoon", { value: () => this.#closeGently() });
    this.#arm(options.limits.headersTimeoutMs, () => this.#giveUp("headers"));
  }

  /**
   * Takes a request whose headers are complete; it is answered after those before it.
   *
   * @returns false when too many wait already: the connection is closed
   */
  take(exchange: Exchange): boolean {
    // After a last response nothing is answered any more.
    if (!this.#stream.writable) return true;
    if (!this.#answering) this.#begin(exchange);
    else if (this.#waiting.length < this.#options.limits.pipelineMax) this.#waiting.push(exchange);
    else return this.destroy(), false;
    return true;
  }

  /** Ends the connection with an answer of the server's own; does nothing when it is ending. */
  refuse(status: RefusalStatus, message: string): void {
    if (!this.#stream.writable) return;
    this.#stream.write(this.#options.refusal(status, message));
    this.#closeGently();
  }

  /**
   * Closes when no response is running, else as soon as the last one has ended. Who has only just
   * connected gets one answer: nothing tells it that it came late.
   */
  drain(): void {
    this.#draining = true;
    if (this.#isFresh) this.#arm(FIRST_REQUEST_MS, () => this.destroy());
    else if (!this.#answering) this.destroy();
  }

  /** Closes at once. */
  destroy(): void {
    this.#stream.destroy();
  }

  /** The stream has closed. */
  ended(): void {
    this.#timer?.cancel();
  }

  #begin({ request, response, answer }: Exchange): void {
    this.#answering = true;
    this.#isFresh = false;
    this.#arm(this.#options.limits.bodyTimeoutMs, () => {
      // A handler that wants no body never sees its "end", though the body is complete.
      if (request.complete) this.#watchStall();
      else this.#giveUp("body");
    });
    request.once("end", () => this.#watchStall());
    response.once("close", () => this.#finish(request));
    answer();
  }

  #finish(request: IncomingMessage): void {
    this.#answering = false;
    if (!this.#stream.writable) return;
    if (this.#draining) return this.#closeGently();
    const next = this.#waiting.shift();
    if (next !== undefined) return this.#begin(next);
    // A body that is still coming keeps its own time limit.
    if (request.complete) this.#arm(this.#options.limits.idleTimeoutMs, () => this.destroy());
  }

  /** While a response runs: a client that reads nothing for a whole period is dropped. */
  #watchStall(): void {
    if (!this.#answering) return;
    let moved = false;
    const onDrain = (): void => void (moved = true);
    const stuckBefore = this.#stream.writableNeedDrain;
    this.#arm(this.#options.limits.stallTimeoutMs, () => {
      if (!stuckBefore || moved || !this.#stream.writableNeedDrain) return this.#watchStall();
      this.#options.onTimeout();
      this.destroy();
    });
    this.#stream.once("drain", onDrain);
    this.#unwatch = (): void => void this.#stream.off("drain", onDrain);
  }

  /** Lets the last response's bytes out and passes over what still comes, then closes. */
  #closeGently(): void {
    if (this.#stream.destroyed || this.#closing) return;
    this.#waiting.length = 0;
    this.#arm(GOODBYE_MS, () => this.destroy());
    this.#closing = true;
    this.#stream.once("end", () => this.destroy());
    this.#stream.end();
    this.#stream.resume();
  }

  #giveUp(part: "headers" | "body"): void {
    this.#options.onTimeout();
    const { headersTimeoutMs, bodyTimeoutMs } = this.#options.limits;
    const timeMs = part === "headers" ? headersTimeoutMs : bodyTimeoutMs;
    if (!this.#stream.writable) return this.destroy();
    this.refuse(408, `Cannot wait for the request as its ${part} must arrive within ${timeMs} ms`);
  }

  #arm(delayMs: number, fn: () => void): void {
    if (this.#closing) return;
    this.#timer?.cancel();
    this.#unwatch();
    this.#timer = this.#stream.destroyed ? undefined : this.#options.clock.after(delayMs, fn);
  }
}
