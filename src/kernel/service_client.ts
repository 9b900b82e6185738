/**
 * A typed client of a service's `rpc.sock`, for programs that use a node from outside: method names,
 * parameters and answers are checked by the compiler against the service's contract.
 *
 * It sends what it is given; the service checks it. Not for services of the same node, which have
 * `host.call`.
 */
import { realNetwork } from "../ports/mod.ts";
import type { Network } from "../ports/mod.ts";
import { connectRpc } from "../wire/mod.ts";
import type { RpcConnection } from "../wire/mod.ts";
import type { CallContract, CallMethod, Contract, StreamContract, StreamMethod } from "./method.ts";

/** Names of a contract's methods that answer once. */
export type CallNames<C extends Contract> = {
  [Name in keyof C & string]: C[Name] extends { readonly kind: "call" } ? Name : never;
}[keyof C & string];

/** Names of a contract's methods that answer with a stream. */
export type StreamNames<C extends Contract> = {
  [Name in keyof C & string]: C[Name] extends { readonly kind: "stream" } ? Name : never;
}[keyof C & string];

type InputOf<M> = M extends CallContract<infer _P, infer _R, infer Input> ? Input
  : M extends StreamContract<infer _P, infer _R, infer Input> ? Input
  : never;

type AnswerOf<M> = M extends CallMethod<infer _P, infer Result> ? Result
  : M extends CallContract<infer _P, infer Result> ? Result
  : never;

type ItemOf<M> = M extends StreamMethod<infer _P, infer Item> ? Item
  : M extends StreamContract<infer _P, infer Item> ? Item
  : never;

/** Parameters may be left out where the schema takes `undefined`. */
type Parameters<M> = undefined extends InputOf<M> ? [params?: InputOf<M>, signal?: AbortSignal]
  : [params: InputOf<M>, signal?: AbortSignal];

/** A connection to one service. */
export interface ServiceClient<C extends Contract> {
  /** Calls a method; throws as `RpcConnection.call` does. */
  call<Name extends CallNames<C>>(
    method: Name,
    ...parameters: Parameters<C[Name]>
  ): Promise<AnswerOf<C[Name]>>;
  /** Iterates a stream; ending the iteration, or the signal, cancels it. */
  stream<Name extends StreamNames<C>>(
    method: Name,
    ...parameters: Parameters<C[Name]>
  ): AsyncIterable<ItemOf<C[Name]>>;
  /** Closes; what waits for an answer fails. */
  close(): void;
  /** Closes. */
  [Symbol.dispose](): void;
}

/** What `connectService` needs. */
export interface ServiceClientOptions {
  /** Absolute path of the service's `rpc.sock`. */
  readonly path: string;
  /** @default the system's sockets */
  readonly network?: Network;
  readonly signal?: AbortSignal;
}

/**
 * Connects to a service whose contract (or methods object) is `C`.
 *
 * @throws {NetworkError} when nothing listens there
 *
 * @example
 * ```ts
 * using node = await connectService<typeof controlContract>({ path: "/run/skep/control/rpc.sock" });
 * const { hid } = await node.call("node.status");
 * ```
 */
export async function connectService<C extends Contract>(
  options: ServiceClientOptions,
): Promise<ServiceClient<C>> {
  const { path, signal, network = realNetwork() } = options;
  const connection = await connectRpc({
    ...{ network, path },
    ...(signal === undefined ? {} : { signal }),
  });
  return new Client<C>(connection);
}

class Client<C extends Contract> implements ServiceClient<C> {
  readonly #connection: RpcConnection;

  constructor(connection: RpcConnection) {
    this.#connection = connection;
  }

  async call<Name extends CallNames<C>>(
    method: Name,
    ...[params, signal]: Parameters<C[Name]>
  ): Promise<AnswerOf<C[Name]>> {
    // The service answers as its contract says; what it is not is the other side's defect.
    return await this.#connection.call(method, params, signal) as AnswerOf<C[Name]>;
  }

  stream<Name extends StreamNames<C>>(
    method: Name,
    ...[params, signal]: Parameters<C[Name]>
  ): AsyncIterable<ItemOf<C[Name]>> {
    return this.#connection.stream(method, params, signal) as AsyncIterable<ItemOf<C[Name]>>;
  }

  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
