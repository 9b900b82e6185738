/** The one error class of this area: bytes that are not what they were said to be. */

/**
 * What was found:
 * - `wrong-outboard`: a pair of an outboard does not lead to the root;
 * - `wrong-group`: a group of bytes is not what the outboard says;
 * - `wrong-length`: an outboard, a proof or the bytes are too short or too long.
 */
export type HotErrorCode = "wrong-outboard" | "wrong-group" | "wrong-length";

/** Bytes that fail verification. */
export class HotError extends Error {
  override readonly name = "HotError";
  /** The kind of failure. */
  readonly code: HotErrorCode;
  /** Where the first wrong byte may be, counted from the start of the whole. */
  readonly offsetBytes: number;

  /** @param options `message` is one sentence */
  constructor(options: { code: HotErrorCode; message: string; offsetBytes: number }) {
    super(options.message);
    this.code = options.code;
    this.offsetBytes = options.offsetBytes;
  }
}
