/**
 * Errors as plain data, so that they cross threads with their class, kind and sentence.
 *
 * The kernel's own classes come out as what they went in; any other keeps its name, message, code
 * and stack.
 */
import { KernelError } from "./kernel_error.ts";
import type { KernelErrorCode } from "./kernel_error.ts";
import { RpcError } from "./rpc_error.ts";
import type { RpcErrorName } from "./rpc_error.ts";

/** An error on its way. */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** `RpcError.kind`, `KernelError.code`, or the `code` of another error. */
  readonly code?: string | number;
  /** `RpcError.data`. */
  readonly data?: unknown;
  /** `KernelError.service`. */
  readonly service?: string;
}

/** An error of another class than the kernel's, from the other side. */
export class CrossedError extends Error {
  /** The name of the class it had. */
  override readonly name: string;
  /** The `code` it had. */
  readonly code: string | number | undefined;

  /** @param encoded what crossed */
  constructor(encoded: EncodedError) {
    super(encoded.message);
    this.name = encoded.name;
    this.code = encoded.code;
    if (encoded.stack !== undefined) this.stack = encoded.stack;
  }
}

/** Anything thrown as structured-clone-safe data. */
export function encodeError(thrown: unknown): EncodedError {
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown) };
  const { name, message } = thrown;
  const stack = thrown.stack === undefined ? {} : { stack: thrown.stack };
  if (thrown instanceof RpcError) {
    return { name, message, ...stack, code: thrown.kind, data: cloneable(thrown.data) };
  }
  const code: unknown = Reflect.get(thrown, "code");
  const known = typeof code === "string" || typeof code === "number" ? { code } : {};
  const service: unknown = thrown instanceof KernelError ? thrown.service : undefined;
  return { name, message, ...stack, ...known, ...(typeof service === "string" ? { service } : {}) };
}

/** The error that `encodeError` was given, as far as it can be. */
export function decodeError(encoded: EncodedError): Error {
  const { name, message, code, data, service, stack } = encoded;
  if (name === "RpcError") {
    return withStack(new RpcError({ kind: code as RpcErrorName, message, data }), stack);
  }
  if (name === "KernelError") {
    const of = service === undefined ? {} : { service };
    return withStack(new KernelError({ code: code as KernelErrorCode, message, ...of }), stack);
  }
  return new CrossedError(encoded);
}

function withStack(error: Error, stack: string | undefined): Error {
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Detail that can't be cloned is left behind; the error itself must arrive. */
function cloneable(data: unknown): unknown {
  try {
    return structuredClone(data);
  } catch {
    return undefined;
  }
}
