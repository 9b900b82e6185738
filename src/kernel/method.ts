/**
 * The method contract: a method is a schema plus a function.
 *
 * The schema is any Standard Schema (https://standardschema.dev, version 1); valibot's are. It checks
 * the parameters before the function sees them, whether a call comes from another service, from
 * a worker or from a socket.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";

/** What a running call may use. */
export interface CallContext {
  /** Aborts when the caller has gone, its deadline has passed, or the service stops. */
  readonly signal: AbortSignal;
}

/** A method that answers once. `Params` and `Result` are structured-clone-safe. */
export interface CallMethod<Params = unknown, Result = unknown> {
  readonly kind: "call";
  /** One sentence for people and for the generated documents. */
  readonly summary: string;
  /** Checks and converts the parameters. */
  readonly params: StandardSchemaV1<unknown, Params>;
  /** Computes the answer; a thrown `RpcError` is sent as it is, anything else as "internal". */
  run(params: Params, context: CallContext): Promise<Result>;
}

/** A method that answers with a stream of items; the caller's `return()` or abort ends it. */
export interface StreamMethod<Params = unknown, Item = unknown> {
  readonly kind: "stream";
  readonly summary: string;
  readonly params: StandardSchemaV1<unknown, Params>;
  run(params: Params, context: CallContext): AsyncIterable<Item>;
}

/** A method as it is stored: its parameters have been checked by its own schema. */
export type Method = CallMethod | StreamMethod;

/** Methods by their wire names ("node.status"). */
export type Methods = Readonly<Record<string, Method>>;

/** Defines a call; the types of `params` flow into `run`. */
export function defineCall<Params, Result>(
  method: Omit<CallMethod<Params, Result>, "kind">,
): CallMethod {
  // The dispatcher hands `run` only what `params` has accepted, so widening here is sound.
  return { kind: "call", ...method } as CallMethod<unknown, unknown> as CallMethod;
}

/** Defines a stream; the types of `params` flow into `run`. */
export function defineStream<Params, Item>(
  method: Omit<StreamMethod<Params, Item>, "kind">,
): StreamMethod {
  return { kind: "stream", ...method } as StreamMethod<unknown, unknown> as StreamMethod;
}
