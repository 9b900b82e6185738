/**
 * The method contract: a method is a schema of its parameters, a schema of its answer, and a function.
 *
 * The schemas are any Standard Schema (https://standardschema.dev, version 1); valibot's are. The
 * parameters' one checks them before the function sees them, whether a call comes from another
 * service, from a worker or from a socket; the answer's one says what callers get, in the documents
 * and to the compiler.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { MethodDocument } from "./openrpc_types.ts";
import type { RpcErrorName } from "./rpc_error.ts";

/** What a running call may use. */
export interface CallContext {
  /** Aborts when the caller has gone, its deadline has passed, or the service stops. */
  readonly signal: AbortSignal;
}

/** What is known of a method without running it. `Input` is what callers give: defaults are left out. */
interface MethodFace<Params, Result, Input> {
  /** One sentence for people and for the generated documents. */
  readonly summary: string;
  /** Checks and converts the parameters, which callers give by name or, in this order, by position. */
  readonly params: StandardSchemaV1<Input, Params>;
  /** Describes the answer, or each item of a stream; not checked at run time. */
  readonly result?: StandardSchemaV1<unknown, Result>;
  /** The errors that are its own, beside those that every method may have. */
  readonly errors?: readonly RpcErrorName[];
  /** Its part of the document, where that can't be made of the schemas: they are another thread's. */
  readonly document?: MethodDocument;
}

/** A method that answers once, without its function. */
export interface CallContract<Params = unknown, Result = unknown, Input = unknown>
  extends MethodFace<Params, Result, Input> {
  readonly kind: "call";
  /** A path at the service's socket where GET calls it too, with parameters that are text. */
  readonly get?: string;
}

/** A method that answers with a stream of items, without its function. */
export interface StreamContract<Params = unknown, Item = unknown, Input = unknown>
  extends MethodFace<Params, Item, Input> {
  readonly kind: "stream";
}

/** A method that answers once. `Params` and `Result` are structured-clone-safe. */
export interface CallMethod<Params = unknown, Result = unknown, Input = unknown>
  extends CallContract<Params, Result, Input> {
  /** Computes the answer; a thrown `RpcError` is sent as it is, anything else as "internal". */
  run(params: Params, context: CallContext): Promise<Result>;
}

/** A method that answers with a stream of items; the caller's `return()` or abort ends it. */
export interface StreamMethod<Params = unknown, Item = unknown, Input = unknown>
  extends StreamContract<Params, Item, Input> {
  run(params: Params, context: CallContext): AsyncIterable<Item>;
}

/** A method as it is stored: its parameters have been checked by its own schema. */
export type Method = CallMethod | StreamMethod;

/** Methods by their wire names ("node.status"). */
export type Methods = Readonly<Record<string, Method>>;

/** Methods without their functions, by their wire names: what a service promises. */
export type Contract = Readonly<Record<string, CallContract | StreamContract>>;

/** The functions that a contract asks for. */
export type Handlers<C extends Contract> = {
  readonly [Name in keyof C]: C[Name] extends StreamContract<infer Params, infer Item>
    ? (params: Params, context: CallContext) => AsyncIterable<Item>
    : C[Name] extends CallContract<infer Params, infer Result>
      ? (params: Params, context: CallContext) => Promise<Result>
    : never;
};

/** Defines a call; the types of `params` flow into `run`. */
export function defineCall<Params, Result, Input = unknown>(
  method: Omit<CallMethod<Params, Result, Input>, "kind">,
): CallMethod<Params, Result, Input> {
  return { kind: "call", ...method };
}

/** Defines a stream; the types of `params` flow into `run`. */
export function defineStream<Params, Item, Input = unknown>(
  method: Omit<StreamMethod<Params, Item, Input>, "kind">,
): StreamMethod<Params, Item, Input> {
  return { kind: "stream", ...method };
}

/** Promises a call; its function comes by `implement`. */
export function callContract<Params, Result, Input>(
  face: Omit<CallContract<Params, Result, Input>, "kind">,
): CallContract<Params, Result, Input> {
  return { kind: "call", ...face };
}

/** Promises a stream; its function comes by `implement`, and `result` describes an item. */
export function streamContract<Params, Item, Input>(
  face: Omit<StreamContract<Params, Item, Input>, "kind">,
): StreamContract<Params, Item, Input> {
  return { kind: "stream", ...face };
}

/** Methods of a contract and the functions that keep it. */
export function implement<C extends Contract>(contract: C, handlers: Handlers<C>): Methods {
  const entries = Object.entries(contract).map(([name, face]) => {
    // `Handlers` has checked each function against its face; here only the pairing is left.
    const run = handlers[name] as unknown;
    return [name, { ...face, run } as Method] as const;
  });
  return Object.fromEntries(entries);
}
