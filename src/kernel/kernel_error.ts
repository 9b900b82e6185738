/** The kernel's errors that a caller can act on. */

/**
 * "unknown-need", "cycle", "duplicate", "bad-name": the set of services can't be started at all;
 * "start-timeout": a service got neither ready nor failed in time; "returned": a service ended
 * without being asked to; "need-failed": a service that this one needs has failed for good;
 * "stopping": the node stops; "deadline": time ran out; "socket-in-use", "socket-unsafe": an rpc.sock can't be bound;
 * "worker-died": a worker ended without its service's answer.
 */
export type KernelErrorCode =
  | "unknown-need"
  | "cycle"
  | "duplicate"
  | "bad-name"
  | "start-timeout"
  | "returned"
  | "need-failed"
  | "stopping"
  | "deadline"
  | "socket-in-use"
  | "socket-unsafe"
  | "worker-died";

/** A condition of services, their sockets or their deadlines. */
export class KernelError extends Error {
  override readonly name = "KernelError";
  /** The kind of failure. */
  readonly code: KernelErrorCode;
  /** The service it concerns, when it concerns one. */
  readonly service: string | undefined;

  /** @param options `message` is one sentence; `cause` is what was thrown below */
  constructor(
    options: {
      readonly code: KernelErrorCode;
      readonly message: string;
      readonly service?: string;
      readonly cause?: unknown;
    },
  ) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
    this.service = options.service;
  }
}

/** Anything thrown as an `Error`; what is no error becomes one that says it. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new TypeError(`Cannot use a thrown value that is no error: ${String(thrown)}`);
}
