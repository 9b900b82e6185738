/**
 * Checks a journal: the form of every line, and per author the sequence, the chain, the time and the
 * signature. Pure over the lines that it is given; never stops at a problem.
 *
 * The key of an author comes from `keys`, or from the log itself: every day file starts with an event
 * "journal.open" that carries the author's public key, which proves itself, because the author's Hid
 * is its hash. It carries a snapshot too, from which to begin when the files before it are gone; that
 * they were removed on purpose is in the log itself. What it cannot see: events cut off at the very
 * end (compare the last sequence number, or the root, with one noted elsewhere).
 */
import { decodeHex, encodeHex } from "../hot/mod.ts";
import { createVerifier, hidOf, publicKeyBytes } from "../identity/mod.ts";
import type { Verifier } from "../identity/mod.ts";
import { journalPurpose } from "./_chain.ts";
import { dayFileOf } from "./_day_files.ts";
import { prunedChi } from "./_retention.ts";
import { openingChi, snapshotIn } from "./_snapshot.ts";
import { TreeScan } from "./_tree_scan.ts";
import { tryParseLine, zeroHash } from "./event.ts";
import type { JournalEvent, ParsedLine } from "./event.ts";

/** One line with its place. */
export interface JournalLine {
  /** Its bytes without LF; empty when it is too long. */
  readonly bytes: Uint8Array;
  /** Its bytes in the file, LF included. */
  readonly length: number;
  /** "torn": the file ends before the line does. */
  readonly kind: "whole" | "torn" | "too-long";
  /** The day file's name. */
  readonly file: string;
  /** Line number, from 1. */
  readonly number: number;
  /** Whether it is in the newest file. */
  readonly lastFile: boolean;
}

/**
 * What can be wrong: `line` (not the canonical JSON of an event), `start` (the author's first event is
 * not number 1, and no snapshot or no word of the removal of those before it is there), `snapshot` (it
 * is not of the events before it), `order` (the sequence skips or repeats), `chain` (it does not carry the hash of the
 * one before), `time` (it goes back, or the event is in another day's file), `key` (no key of the
 * author is known), `signature`.
 */
export type VerifyCode =
  | "line"
  | "start"
  | "snapshot"
  | "order"
  | "chain"
  | "time"
  | "key"
  | "signature";

/** Something wrong at a line. */
export interface VerifyProblem {
  /** The kind. */
  readonly code: VerifyCode;
  /** The day file's name. */
  readonly file: string;
  /** Line number, from 1. */
  readonly line: number;
  /** One sentence. */
  readonly message: string;
}

/** What is known of one author. */
export interface VerifiedAuthor {
  /** Hid. */
  readonly author: string;
  /** How many of its events were seen. */
  readonly events: number;
  /** Sequence number of the first one. */
  readonly firstSeq: number;
  /** Sequence number of the last one. */
  readonly lastSeq: number;
  /** Hash of the last one's signed bytes. */
  readonly lastHash: string;
  /** Root of the tree over all its events up to the last one, 64 hex digits; "" when none is known. */
  readonly root: string;
}

/** The outcome. */
export interface VerifyReport {
  /** Whether there is no problem at all. */
  readonly ok: boolean;
  /** Whole events. */
  readonly events: number;
  /** Bytes read. */
  readonly sizeBytes: number;
  /** Bytes of an unfinished line at the end of the newest file; not a problem, a start cuts it. */
  readonly tornBytes: number;
  /** Per author, in order of appearance. */
  readonly authors: readonly VerifiedAuthor[];
  /** The first 100 problems. */
  readonly problems: readonly VerifyProblem[];
  /** All problems, also those not listed. */
  readonly problemCount: number;
}

/** How to verify. */
export interface VerifyOptions {
  /** Public keys by Hid; those in the log itself are found without. */
  readonly keys?: ReadonlyMap<string, Uint8Array>;
  /** Called with every event, and the tree up to it: "" while no snapshot has told of one. */
  readonly onEvent?: (event: {
    readonly author: string;
    readonly seq: number;
    readonly root: () => string;
  }) => void;
  /** Called now and then with what was done so far. */
  readonly onProgress?: (done: { readonly events: number; readonly sizeBytes: number }) => void;
}

const PROBLEMS_MAX = 100;
const PROGRESS_EVENTS = 1000;

interface AuthorState {
  events: number;
  firstSeq: number;
  lastSeq: number;
  lastHash: string;
  lastMs: number;
  verifier: Verifier | undefined;
  readonly tree: TreeScan;
  /** The line of the first event, when that is a snapshot of others that are not there. */
  readonly begins: JournalLine | undefined;
  /** Up to which event the log says that it was removed. */
  prunedThrough: number;
}

/** Verifies lines in the order of the log. */
export async function verifyLines(
  lines: AsyncIterable<JournalLine>,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const run = new Verification(options);
  for await (const line of lines) run.take(line);
  return run.report();
}

class Verification {
  readonly #options: VerifyOptions;
  readonly #authors = new Map<string, AuthorState>();
  readonly #problems: VerifyProblem[] = [];
  #problemCount = 0;
  #events = 0;
  #sizeBytes = 0;
  #tornBytes = 0;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  take(line: JournalLine): void {
    this.#sizeBytes += line.length;
    if (line.kind === "torn" && line.lastFile) {
      this.#tornBytes = line.length;
      return;
    }
    const parsed = line.kind === "whole" ? tryParseLine(line.bytes) : undefined;
    if (parsed === undefined) {
      this.#problem("line", line, "it must be the canonical JSON of an event");
      return;
    }
    this.#events++;
    this.#check(line, parsed);
    if (this.#events % PROGRESS_EVENTS === 0) {
      this.#options.onProgress?.({ events: this.#events, sizeBytes: this.#sizeBytes });
    }
  }

  report(): VerifyReport {
    for (const state of this.#authors.values()) this.#checkRemoval(state);
    const authors = [...this.#authors].map(([author, state]) => {
      const { events, firstSeq, lastSeq, lastHash } = state;
      return { author, events, firstSeq, lastSeq, lastHash, root: rootOf(state) };
    });
    return {
      ok: this.#problemCount === 0,
      events: this.#events,
      sizeBytes: this.#sizeBytes,
      tornBytes: this.#tornBytes,
      authors,
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }

  #check(line: JournalLine, { event, signed }: ParsedLine): void {
    const state = this.#authors.get(event.author) ?? this.#newAuthor(event, line);
    this.#checkPlace(line, event, state);
    state.verifier ??= keyInOpening(event);
    const signature = decodeHex(event.sig);
    if (state.verifier === undefined) {
      this.#problem("key", line, `a key of "${event.author}" must be known`);
    } else if (!state.verifier({ purpose: journalPurpose, bytes: signed, signature })) {
      this.#problem("signature", line, `the signature of event ${event.seq} must verify`);
    }
    if (!state.tree.take({ event, signed })) {
      this.#problem("snapshot", line, `the snapshot of event ${event.seq} must be of those before`);
    }
    const { author, seq } = event;
    this.#options.onEvent?.({ author, seq, root: () => rootOf(state) });
    if (event.chi === prunedChi) state.prunedThrough = throughOf(event);
    state.events++;
    state.lastSeq = event.seq;
    state.lastMs = event.ts_ms;
    state.lastHash = encodeHex(state.tree.lastHash);
  }

  /** Events before the first are missing rightly when a later one says that they were removed. */
  #checkRemoval({ firstSeq, prunedThrough, begins }: AuthorState): void {
    if (begins === undefined || prunedThrough >= firstSeq - 1) return;
    this.#problem(
      "start",
      begins,
      `the log must tell that events up to ${firstSeq - 1} were removed`,
    );
  }

  // The three go together with the line; splitting the state would only hide that.
  #checkPlace(line: JournalLine, event: JournalEvent, state: AuthorState): void {
    const startsLater = state.events === 0 && event.seq !== 1;
    if (startsLater && state.begins === undefined) {
      this.#problem("start", line, `a log must begin at number 1 or a snapshot, not ${event.seq}`);
    } else if (!startsLater && event.seq !== state.lastSeq + 1) {
      const wanted = state.lastSeq + 1;
      this.#problem("order", line, `the sequence number must be ${wanted}, not ${event.seq}`);
    }
    if (!startsLater && event.prev_hash !== state.lastHash) {
      this.#problem("chain", line, `event ${event.seq} must carry the hash of the one before`);
    }
    if (event.ts_ms < state.lastMs) {
      this.#problem("time", line, `the time must not go back, as at event ${event.seq}`);
    } else if (event.ts_ms > 253402300799999 || dayFileOf(event.ts_ms) !== line.file) {
      this.#problem("time", line, `event ${event.seq} must be in the file of its day`);
    }
  }

  #newAuthor(event: JournalEvent, line: JournalLine): AuthorState {
    const key = this.#options.keys?.get(event.author);
    const state: AuthorState = {
      events: 0,
      firstSeq: event.seq,
      lastSeq: 0,
      lastHash: zeroHash,
      lastMs: 0,
      verifier: key === undefined ? undefined : createVerifier(key),
      tree: new TreeScan(),
      begins: event.seq > 1 && snapshotIn(event) !== undefined ? line : undefined,
      prunedThrough: 0,
    };
    this.#authors.set(event.author, state);
    return state;
  }

  #problem(code: VerifyCode, line: JournalLine, rule: string): void {
    this.#problemCount++;
    if (this.#problems.length >= PROBLEMS_MAX) return;
    const message = `Cannot trust line ${line.number} of "${line.file}" as ${rule}`;
    this.#problems.push({ code, file: line.file, line: line.number, message });
  }
}

function rootOf({ tree: { edge } }: AuthorState): string {
  return edge === undefined ? "" : encodeHex(edge.root());
}

/** The key in a "journal.open" event, when it is its author's. */
function keyInOpening(event: JournalEvent): Verifier | undefined {
  if (event.chi !== openingChi || typeof event.body !== "object" || event.body === null) return;
  const hex: unknown = Reflect.get(event.body, "public_key");
  if (typeof hex !== "string" || !/^[0-9a-f]{64}$/.test(hex)) return undefined;
  const publicKey = decodeHex(hex);
  if (publicKey.length !== publicKeyBytes || hidOf(publicKey) !== event.author) return undefined;
  return createVerifier(publicKey);
}

/** Up to which event a "journal.pruned" says that the log was removed. */
function throughOf({ body }: JournalEvent): number {
  const through: unknown = typeof body === "object" && body !== null
    ? Reflect.get(body, "through")
    : undefined;
  return typeof through === "number" ? through : 0;
}
