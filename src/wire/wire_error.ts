/** The errors of this folder that a caller can act on. */

/**
 * "too-large": a message is beyond its limit; "closed": the peer went away in the middle;
 * "bad-response": what the peer answered is not what its protocol says; "not-utf8" and "malformed": the
 * bytes are no message of their framing; "busy": too much waits for an answer
 * already.
 */
export type WireErrorCode =
  | "too-large"
  | "closed"
  | "bad-response"
  | "not-utf8"
  | "malformed"
  | "busy";

/** A message that could not be carried. */
export class WireError extends Error {
  override readonly name = "WireError";
  /** The kind of failure. */
  readonly code: WireErrorCode;

  /** @param options `message` is one sentence; `cause` is what the platform threw */
  constructor(options: { code: WireErrorCode; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
  }
}

/** The error that the other side answered a call with. */
export class RemoteCallError extends Error {
  override readonly name = "RemoteCallError";
  /** The JSON-RPC code. */
  readonly code: number;
  /** The detail that came with it. */
  readonly data: unknown;

  /** @param body the `error` member of the response */
  constructor(body: { readonly code: number; readonly message: string; readonly data?: unknown }) {
    // The standard's own words say little; the sentence comes beside them.
    super(typeof body.data === "string" ? `${body.message}: ${body.data}` : body.message);
    this.code = body.code;
    this.data = body.data;
  }
}
