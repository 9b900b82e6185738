/** The face of a journal that is open for writing: what it needs, what it does, how it is. */
import type { Identity } from "../identity/mod.ts";
import type { Clock, Disk } from "../ports/mod.ts";
import type { ProofRequest } from "./_prover.ts";
import type { JournalRetention } from "./_retention.ts";
import type { EventDraft, JournalEvent } from "./event.ts";
import type { SignedLogHead } from "./log_head.ts";
import type { JournalReader } from "./reader.ts";

/**
 * When an append is acknowledged: "always" after its sync, so that it survives a power cut; with
 * `intervalMs` after its write, so that it survives the end of the process, and a power cut that comes
 * later than that; "never" syncs at a change of day and at close only.
 */
export type JournalFsync = "always" | "never" | { readonly intervalMs: number };

/** What a journal needs, and its limits. */
export interface JournalOptions {
  /** The disk to write to. */
  readonly disk: Disk;
  /** Gives the time of events, and drives interval syncs. */
  readonly clock: Clock;
  /** Signs; the journal is its own. */
  readonly identity: Identity;
  /** Absolute path of the directory of the day files; created 0700 when missing. */
  readonly directory: string;
  /** When an append is acknowledged. @default "always" */
  readonly fsync?: JournalFsync;
  /** Longest line in bytes, LF included. @default 1048576 */
  readonly lineBytesMax?: number;
  /** Appends that may wait; beyond it they are refused as "busy". @default 1024 */
  readonly queueCountMax?: number;
  /** Bytes of lines that may wait. @default 8388608 */
  readonly queueBytesMax?: number;
  /** Events that a follower may be behind. @default 1024 */
  readonly followEventsMax?: number;
  /** Events behind the last snapshot after which the next one is written. @default 1000 */
  readonly snapshotEvents?: number;
  /** Milliseconds behind the first event that no snapshot covers, after which one is. @default 600000 */
  readonly snapshotMs?: number;
  /** What is kept of the past. @default rolling, 30 days */
  readonly retention?: JournalRetention;
  /** Signatures checked at the end of the log on opening. @default 64 */
  readonly tailChecks?: number;
}

/** How the journal is. */
export interface JournalStatus {
  /** "recovering": the last commit failed, the next append reads the disk again first. */
  readonly state: "open" | "recovering" | "failed" | "closed";
  /** Hid of the writer. */
  readonly author: string;
  /** Sequence number of the last acknowledged event. */
  readonly seq: number;
  /** Hash of its signed bytes, zeros when there is none. */
  readonly hash: string;
  /** Its time, Unix milliseconds. */
  readonly tsMs: number;
  /** The day file that it is in. */
  readonly file: string | undefined;
  /** What opening found: bytes of a torn end that were cut. */
  readonly recovered: { readonly cutBytes: number };
  /** Appends that wait. */
  readonly pending: number;
  /** Counters since opening. */
  readonly counters: Readonly<JournalCounters>;
}

/** What happened since opening. */
export interface JournalCounters {
  /** Events acknowledged (day openings included). */
  appended: number;
  /** Group commits. */
  commits: number;
  /** Appends refused because the queue was full. */
  refused: number;
  /** Commits and syncs that the disk refused. */
  failures: number;
  /** Followers ended because they fell behind. */
  lagged: number;
  /** Snapshots written, beside those that open day files. */
  snapshots: number;
  /** Day files that retention has removed. */
  prunedFiles: number;
}

/** A journal that is open for writing. */
export interface Journal extends Omit<JournalReader, "summary"> {
  /**
   * Records an event; resolves when it is as durable as the policy says. A rejected one is not in the
   * log.
   *
   * @throws {TypeError} for a body that is not JSON or a bad id; {RangeError} for a line over the limit
   * @throws {JournalError} "busy", "closed", "failed", or "full", "read-only", "io" of the disk
   */
  append(draft: EventDraft): Promise<JournalEvent>;
  /** How it is, now. */
  status(): JournalStatus;
  /**
   * How far it has come, signed: all that survives a power cut, which can be less than what was
   * acknowledged when not every commit is synced.
   */
  head(): SignedLogHead;
  /**
   * Proves that one tree of the journal begins with another, or that an event is in one.
   *
   * @returns nodes of 32 B in the order of RFC 6962; undefined when retention has removed what it takes
   * @throws {RangeError} for a tree that is not there; {JournalError} "corrupt"; {DiskError}
   */
  prove(request: ProofRequest): Promise<Uint8Array[] | undefined>;
  /**
   * Events acknowledged from now on, until `signal` aborts or the journal closes.
   *
   * @throws {JournalError} "lagged" in the loop, when the reader is too slow
   */
  follow(signal: AbortSignal): AsyncIterable<JournalEvent>;
  /** Takes no more appends, finishes those that wait, syncs, closes. Repeatable. @throws {JournalError} */
  close(): Promise<void>;
}
