/** The journal's error. */
import { DiskError } from "../ports/mod.ts";

/**
 * Why the journal cannot do something:
 * `busy`: the queue of appends is full; try again later.
 * `full`, `read-only`, `io`: the disk refused; nothing of the append is kept, the next one recovers first.
 * `failed`: what is on the disk is no longer what was acknowledged; no append is taken any more.
 * `closed`: the journal was closed.
 * `corrupt`: a line that no crash explains; run verify.
 * `wrong-author`: the journal belongs to another key.
 * `lagged`: a follower was too slow; go on from the last sequence number by `range`.
 */
export type JournalErrorCode =
  | "busy"
  | "full"
  | "read-only"
  | "io"
  | "failed"
  | "closed"
  | "corrupt"
  | "wrong-author"
  | "lagged";

/** A condition of the journal that the caller can act on. */
export class JournalError extends Error {
  override readonly name = "JournalError";
  /** The kind of failure. */
  readonly code: JournalErrorCode;

  /** @param options `message` is one sentence; `cause` is what was caught */
  constructor(options: { code: JournalErrorCode; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
  }

  /** Turns anything caught into a `JournalError`, by the disk's code where there is one. */
  static from(thrown: unknown, verb: string): JournalError {
    if (thrown instanceof JournalError) return thrown;
    const code = codeOf(thrown);
    const message = `Cannot ${verb} as ${reasonOf(thrown, code)}`;
    return new JournalError({ code, message, cause: thrown });
  }
}

function reasonOf(thrown: unknown, code: JournalErrorCode): string {
  const path = thrown instanceof DiskError ? `: "${thrown.path}"` : "";
  if (code === "full") return `the disk is full${path}`;
  if (code === "read-only") return `the file system is read-only${path}`;
  return `the disk failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
}

function codeOf(thrown: unknown): JournalErrorCode {
  if (!(thrown instanceof DiskError)) return "io";
  return thrown.code === "full" || thrown.code === "read-only" ? thrown.code : "io";
}

/** The refusal of an append that the disk has no part in. */
export function stateError(code: "busy" | "closed" | "failed"): JournalError {
  const reasons = {
    busy: "its queue is full; try again later",
    closed: "it is closed",
    failed: "its files no longer hold what was acknowledged; run verify, then start again",
  };
  return new JournalError({ code, message: `Cannot append to the journal as ${reasons[code]}` });
}
