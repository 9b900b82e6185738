/**
 * The error that a method answers with: a JSON-RPC code, a sentence for the caller, and data.
 *
 * Codes: https://www.jsonrpc.org/specification section 5.1; ours are in -32000..-32099.
 */

/** Codes that the standard and this node define, by name. */
export const rpcCodes = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  /** The service exists but isn't running, or is stopping. */
  unavailable: -32000,
  /** A queue or a slot limit was reached; trying again later may succeed. */
  busy: -32001,
  /** The caller went away or cancelled. */
  cancelled: -32002,
  /** The thing that the parameters name does not exist. */
  notFound: -32003,
  /** The deadline has passed. */
  deadline: -32004,
} as const;

/** The name of a code. */
export type RpcErrorName = keyof typeof rpcCodes;

/** A failed call, in a form that crosses workers and sockets. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  /** The kind of failure. */
  readonly kind: RpcErrorName;
  /** JSON-able detail for the caller. */
  readonly data: unknown;

  /** @param options `message` is one sentence that the caller may see; `cause` stays in the log */
  constructor(
    options: {
      readonly kind: RpcErrorName;
      readonly message: string;
      readonly data?: unknown;
      readonly cause?: unknown;
    },
  ) {
    super(options.message, { cause: options.cause });
    this.kind = options.kind;
    this.data = options.data;
  }

  /** The code of the JSON-RPC standard. */
  get code(): number {
    return rpcCodes[this.kind];
  }
}
