/** What can be wrong with a receipt or a transcript as a document. */

/** The kind of failure. */
export type ReceiptErrorCode = "malformed" | "signature" | "mismatch" | "model" | "refused";

/** A receipt that can't be judged; the message is one sentence. */
export class ReceiptError extends Error {
  override readonly name = "ReceiptError";
  /** The kind of failure. */
  readonly code: ReceiptErrorCode;

  /** @param options `message` is one sentence; `cause` is what led to it */
  constructor(options: { code: ReceiptErrorCode; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
  }
}
