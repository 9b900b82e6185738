/** What can go wrong with parts of models, on disk and on their way. */

/** The kind of failure. */
export type PartsErrorCode = "malformed" | "not-held" | "unavailable" | "damaged" | "busy";

/** A part that can't be had; the message is one sentence. */
export class PartsError extends Error {
  override readonly name = "PartsError";
  /** The kind of failure. */
  readonly code: PartsErrorCode;

  /** @param options `message` is one sentence; `cause` is what led to it */
  constructor(options: { code: PartsErrorCode; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
  }
}
