/**
 * Who answers which method: the calls between services of one node, and from their sockets.
 *
 * A call reaches a service only while it is ready; its parameters are checked, its signal follows the
 * caller's and the callee's, and it is counted while it runs.
 */
import { checkParams } from "./check_params.ts";
import { abortable, linkSignals } from "./deadline.ts";
import type { LinkedSignal } from "./deadline.ts";
import type { CallMethod, Method, Methods, StreamMethod } from "./method.ts";
import { RpcError } from "./rpc_error.ts";
import type { Log, Metrics } from "./service.ts";

/** A call on its way. */
export interface CallRequest {
  readonly service: string;
  readonly method: string;
  readonly params: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** What a table needs. */
export interface CallTableOptions {
  /** The services of this node; others are "notFound" rather than "unavailable". */
  readonly services: readonly string[];
  readonly log: Log;
  readonly metrics: Metrics;
  /** Calls of one service that may run at the same time; one more is "busy". @default {1024} */
  readonly inFlightMax?: number;
}

/** The methods of one run of a service. */
export interface Offer {
  /** Lets calls in, from the service's ready on. */
  open(): void;
  /** Adds methods; a name that is there already is a TypeError. */
  add(methods: Methods): void;
  /** Lets no more calls in and resolves when the running ones have ended. */
  drain(): Promise<void>;
  /** Aborts what runs and forgets the methods. */
  close(): void;
}

/** The methods of a node. */
export class CallTable {
  readonly #options: CallTableOptions;
  readonly #offers = new Map<string, ServiceOffer>();

  /** @param options kept for the table's life */
  constructor(options: CallTableOptions) {
    this.#options = options;
  }

  /** Registers a run of `service`; a previous run's methods are gone with its `close`. */
  offer(service: string): Offer {
    const made = new ServiceOffer(() => {
      if (this.#offers.get(service) === made) this.#offers.delete(service);
    });
    this.#offers.set(service, made);
    return made;
  }

  /** Calls of `service` that run at this moment. */
  inFlight(service: string): number {
    return this.#offers.get(service)?.running ?? 0;
  }

  /** How a method of `service` answers; `undefined` when there is none now. */
  kindOf(service: string, method: string): Method["kind"] | undefined {
    return this.#offers.get(service)?.methods.get(method)?.kind;
  }

  /** The methods that `service` offers now, for generated documents. */
  methods(service: string): Methods {
    return Object.fromEntries(this.#offers.get(service)?.methods ?? []);
  }

  /**
   * Calls a method that answers once; the answer doesn't wait for a method that ignores its signal.
   *
   * @throws {RpcError} always of this class: see `rpcCodes` for the kinds
   */
  async call(request: CallRequest): Promise<unknown> {
    const { offer, method } = this.#find(request, "call");
    const work = this.#begin(offer, request);
    try {
      // Counted until the method itself has ended, though the caller may be gone before.
      const running = this.#run(method, request, work).finally(() => offer.end(work));
      return await abortable(running, work.signal);
    } catch (thrown) {
      throw this.#asRpcError(thrown, request, work);
    }
  }

  /**
   * Iterates a method that answers with a stream; `return()` or the signal ends it.
   *
   * @throws {RpcError} while iterating, as `call` does
   */
  async *stream(request: CallRequest): AsyncGenerator<unknown, void, undefined> {
    const { offer, method } = this.#find(request, "stream");
    const work = this.#begin(offer, request);
    let items: AsyncIterator<unknown> | undefined;
    // A consumer that holds an item and never comes back must not keep the service from draining.
    const leave = (): void => {
      items?.return?.()?.catch(() => {});
      offer.end(work);
    };
    work.signal.addEventListener("abort", leave, { once: true });
    try {
      const params = await this.#check(request, method);
      items = method.run(params, { signal: work.signal })[Symbol.asyncIterator]();
      for (;;) {
        const next = await abortable(items.next(), work.signal);
        if (next.done === true) return;
        yield next.value;
      }
    } catch (thrown) {
      throw this.#asRpcError(thrown, request, work);
    } finally {
      // A generator that waits takes its end only after the wait, which the abort ends.
      work.abort(cancelled(request));
      leave();
    }
  }

  #find(request: CallRequest, kind: "call"): { offer: ServiceOffer; method: CallMethod };
  #find(request: CallRequest, kind: "stream"): { offer: ServiceOffer; method: StreamMethod };
  #find(request: CallRequest, kind: Method["kind"]): { offer: ServiceOffer; method: Method } {
    const { service, method: name } = request;
    const offer = this.#offers.get(service);
    if (offer === undefined || !offer.isOpen) throw this.#absent(request);
    const method = offer.methods.get(name);
    if (method === undefined) {
      const message = `Cannot call "${name}" as service "${service}" has no such method`;
      throw new RpcError({ kind: "methodNotFound", message });
    }
    if (method.kind === kind) return { offer, method };
    const how = method.kind === "stream"
      ? "it answers with a stream, which must be consumed as one"
      : "it answers once, and not with a stream";
    const message = `Cannot call "${name}" of service "${service}" that way as ${how}`;
    throw new RpcError({ kind: "methodNotFound", message });
  }

  #absent(request: CallRequest): RpcError {
    const { service, method } = request;
    if (!this.#options.services.includes(service)) {
      const message = `Cannot call "${method}" as this node has no service "${service}"`;
      return new RpcError({ kind: "notFound", message });
    }
    const message = `Cannot call "${method}" as service "${service}" is not ready`;
    return new RpcError({ kind: "unavailable", message });
  }

  #begin(offer: ServiceOffer, request: CallRequest): LinkedSignal {
    const inFlightMax = this.#options.inFlightMax ?? 1024;
    if (offer.running >= inFlightMax) {
      const message = `Cannot call "${request.method}" as service "${request.service}" runs ` +
        `${inFlightMax} calls already`;
      throw this.#count(request, new RpcError({ kind: "busy", message }));
    }
    return offer.begin(request.signal);
  }

  async #run(method: CallMethod, request: CallRequest, work: LinkedSignal): Promise<unknown> {
    const params = await this.#check(request, method);
    work.signal.throwIfAborted();
    return await method.run(params, { signal: work.signal });
  }

  async #check(request: CallRequest, method: Method): Promise<unknown> {
    const { params, method: name } = request;
    return await checkParams(params, { method: name, schema: method.params });
  }

  #asRpcError(thrown: unknown, request: CallRequest, work: LinkedSignal): RpcError {
    if (thrown instanceof RpcError) return this.#count(request, thrown);
    if (work.signal.aborted) {
      const reason: unknown = work.signal.reason;
      return this.#count(request, reason instanceof RpcError ? reason : cancelled(request, reason));
    }
    const { service, method } = request;
    this.#options.log.error("Method failed", { service, method, error: thrown });
    const message = `Cannot finish "${method}" as service "${service}" failed in it`;
    return this.#count(request, new RpcError({ kind: "internal", message, cause: thrown }));
  }

  #count(request: CallRequest, error: RpcError): RpcError {
    const help = "Calls between services and from sockets that failed, by the kind of failure.";
    this.#options.metrics
      .counter({ name: "calls_failed_total", help, labels: ["service", "kind"] })
      .add(1, { service: request.service, kind: error.kind });
    return error;
  }
}

/** What the caller's own abort becomes. */
function cancelled(request: CallRequest, cause?: unknown): RpcError {
  const message = `Cannot finish "${request.method}" as the caller cancelled it`;
  return new RpcError({ kind: "cancelled", message, cause });
}

/** One run's methods and calls. */
class ServiceOffer implements Offer {
  readonly methods = new Map<string, Method>();
  readonly #calls = new Set<LinkedSignal>();
  readonly #forget: () => void;
  #phase: "closed" | "open" | "draining" = "closed";
  #onIdle: (() => void)[] = [];

  constructor(forget: () => void) {
    this.#forget = forget;
  }

  get isOpen(): boolean {
    return this.#phase === "open";
  }

  get running(): number {
    return this.#calls.size;
  }

  open(): void {
    if (this.#phase === "closed") this.#phase = "open";
  }

  add(methods: Methods): void {
    for (const [name, method] of Object.entries(methods)) {
      if (this.methods.has(name)) {
        throw new TypeError(`Cannot offer method "${name}" as it is offered already`);
      }
      this.methods.set(name, method);
    }
  }

  begin(caller: AbortSignal | undefined): LinkedSignal {
    const work = linkSignals([caller]);
    this.#calls.add(work);
    return work;
  }

  end(work: LinkedSignal): void {
    work.unlink();
    this.#calls.delete(work);
    if (this.#calls.size > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  async drain(): Promise<void> {
    this.#phase = "draining";
    if (this.#calls.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  close(): void {
    this.#phase = "draining";
    this.#forget();
    const message = "Cannot finish the call as its service has stopped";
    for (const work of [...this.#calls]) work.abort(new RpcError({ kind: "unavailable", message }));
  }
}
