/** The store's error. */
import { DiskError } from "../ports/mod.ts";

/**
 * Why the store cannot do something:
 * `held`: another process (or another node in this one) has the lock.
 * `busy`: another connection writes; try again. `constraint`: a rule of the schema refuses the row.
 * `sql`: the statement is wrong. `too-many-rows`: a query gave more than `rowsMax`.
 * `full`, `read-only`, `denied`, `io`: the disk refused. `closed`: the store was closed.
 * `corrupt`: SQLite found damage. `not-a-store`: the file is some other database, or none.
 * `newer`: a later version wrote it. `changed-migration`: a migration is not the one that was applied.
 * `migration`: a migration failed; the one before it stands. `too-open`: others may read the file.
 */
export type StoreErrorCode =
  | "held"
  | "busy"
  | "constraint"
  | "sql"
  | "too-many-rows"
  | "full"
  | "read-only"
  | "denied"
  | "io"
  | "closed"
  | "corrupt"
  | "not-a-store"
  | "newer"
  | "changed-migration"
  | "migration"
  | "too-open";

/** A condition of the store that the caller can act on. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  /** The kind of failure. */
  readonly code: StoreErrorCode;

  /** @param options `message` is one sentence; `cause` is what was caught */
  constructor(options: { code: StoreErrorCode; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
  }

  /**
   * Turns what SQLite or the disk threw into a `StoreError`. The caller's own mistakes (TypeError,
   * RangeError) come back unchanged.
   */
  static from(thrown: unknown, verb: string): Error {
    if (thrown instanceof StoreError || thrown instanceof TypeError) return thrown;
    if (thrown instanceof RangeError) return thrown;
    const reason = reasonOf(thrown);
    const code = thrown instanceof DiskError ? codeOfDisk(thrown) : codeOfSqlite(thrown, reason);
    return new StoreError({ code, message: `Cannot ${verb} as ${reason}`, cause: thrown });
  }
}

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html). */
const codesByNumber: Readonly<Record<number, StoreErrorCode>> = {
  1: "sql",
  3: "denied",
  5: "busy",
  6: "busy",
  8: "read-only",
  10: "io",
  11: "corrupt",
  13: "full",
  14: "io",
  18: "sql",
  19: "constraint",
  20: "constraint",
  25: "sql",
  26: "not-a-store",
};

/** The same for errors that come without a number, as some of Deno's do, by sqlite3_errstr's text. */
const codesByText: readonly (readonly [string, StoreErrorCode])[] = [
  ["database is locked", "busy"],
  ["database table is locked", "busy"],
  ["database or disk is full", "full"],
  ["attempt to write a readonly database", "read-only"],
  ["database disk image is malformed", "corrupt"],
  ["file is not a database", "not-a-store"],
  ["constraint failed", "constraint"],
  ["cannot store", "constraint"],
  ["datatype mismatch", "constraint"],
  ["syntax error", "sql"],
  ["no such", "sql"],
  ["already exists", "sql"],
];

function codeOfSqlite(thrown: unknown, reason: string): StoreErrorCode {
  const number: unknown = thrown instanceof Error ? Reflect.get(thrown, "errcode") : undefined;
  // The low byte is the primary code, the rest tells more.
  if (typeof number === "number") return codesByNumber[number & 0xff] ?? "io";
  return codesByText.find(([text]) => reason.includes(text))?.[1] ?? "io";
}

/** Of a disk's sentence only the reason: what was asked for is the store's to say. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (!(thrown instanceof DiskError)) return thrown.message;
  const at = thrown.message.indexOf(" as ");
  return at < 0 ? thrown.message : thrown.message.slice(at + " as ".length);
}

function codeOfDisk({ code }: DiskError): StoreErrorCode {
  return code === "full" || code === "read-only" || code === "denied" ? code : "io";
}
