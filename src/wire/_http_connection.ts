/**
 * The time limits of one HTTP connection, and its part in a drain.
 *
 * States: waiting for headers -> reading a body -> answering -> waiting again. Exactly one timer
 * runs at a time. State is told by the server's events only; nothing listens for the stream's data,
 * which would take it from the parser.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock, Timer } from "../ports/mod.ts";
import type { HttpLimits } from "./serve_http.ts";

/** How long a client that was told "408" may take to read it. */
const GOODBYE_MS = 1_000;

/** What a connection needs of its server. */
export interface ConnectionOptions {
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly onTimeout: () => void;
}

/** One accepted stream. */
export class HttpConnection {
  readonly #stream: Duplex;
  readonly #options: ConnectionOptions;
  #timer: Timer | undefined;
  /** Requests that were begun and whose response has not closed; more than one when pipelined. */
  #active = 0;
  #draining = false;
  /** Takes the listener of `#watchStall` off; else one would be left for each request. */
  #unwatch: () => void = () => {};

  constructor(stream: Duplex, options: ConnectionOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#arm(options.limits.headersTimeoutMs, () => this.#giveUp());
  }

  /** A request's headers are complete. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    this.#active += 1;
    this.#arm(this.#options.limits.bodyTimeoutMs, () => {
      // A handler that wants no body never sees its "end", though the body is complete.
      if (request.complete) this.#watchStall();
      else this.#giveUp();
    });
    request.once("end", () => this.#watchStall());
    response.once("close", () => this.#finish(request));
  }

  /** Closes when no response is running, else as soon as the last one has ended. */
  drain(): void {
    this.#draining = true;
    if (this.#active === 0) this.destroy();
  }

  /** Closes at once. */
  destroy(): void {
    this.#stream.destroy();
  }

  /** The stream has closed. */
  ended(): void {
    this.#timer?.cancel();
  }

  #finish(request: IncomingMessage): void {
    this.#active -= 1;
    if (this.#active > 0 || this.#stream.destroyed) return;
    if (this.#draining) return this.#closeGently();
    // A body that is still coming keeps its own time limit.
    if (request.complete) this.#arm(this.#options.limits.idleTimeoutMs, () => this.destroy());
  }

  /** While a response runs: a client that reads nothing for a whole period is dropped. */
  #watchStall(): void {
    if (this.#active === 0) return;
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

  /** Lets the last response's bytes out, then closes. */
  #closeGently(): void {
    this.#stream.end(() => this.destroy());
  }

  #giveUp(): void {
    this.#options.onTimeout();
    if (!this.#stream.writable) return this.destroy();
    this.#arm(GOODBYE_MS, () => this.destroy());
    this.#stream.end(
      "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
      () => this.destroy(),
    );
  }

  #arm(delayMs: number, fn: () => void): void {
    this.#timer?.cancel();
    this.#unwatch();
    this.#timer = this.#stream.destroyed ? undefined : this.#options.clock.after(delayMs, fn);
  }
}
