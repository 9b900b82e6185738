/** The identity area's error. */

/**
 * Why a key file cannot be used: `wrong-length` (not 32 bytes), `too-open` (others than the owner may
 * read or write it), `not-a-file`, `unreadable` (the disk refused), `unwritable` (a new key could not
 * be stored).
 */
export type IdentityErrorCode =
  | "wrong-length"
  | "too-open"
  | "not-a-file"
  | "unreadable"
  | "unwritable";

/** A key file that cannot be used; it is never replaced by a new one. */
export class IdentityError extends Error {
  override readonly name = "IdentityError";
  /** The kind of failure. */
  readonly code: IdentityErrorCode;

  /** @param options `message` is one sentence; `cause` is what was caught */
  constructor(options: { code: IdentityErrorCode; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
  }
}
