/**
 * Checks a journal: the form of every line, and per author the sequence, the chain, the time and the
 * signature. Pure over the lines that it is given; never stops at a problem.
 *
 * The key of an author comes from `keys`, or from the log itself: every day file starts with an event
 * "journal.open" that carries the author's public key, which proves itself, because the author's Hid
 * is its hash. What it cannot see: events cut off at the very end (compare the last sequence number
 * with one noted elsewhere).
 */
import { createVerifier, hidOf, publicKeyBytes } from "../identity/mod.ts";
import type { Verifier } from "../identity/mod.ts";
import { journalPurpose } from "./_chain.ts";
import { dayFileOf } from "./_day_files.ts";
import { fromHex, hashSigned, tryParseLine, zeroHash } from "./event.ts";
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
 * not number 1), `order` (the sequence skips or repeats), `chain` (it does not carry the hash of the
 * one before), `time` (it goes back, or the event is in another day's file), `key` (no key of the
 * author is known), `signature`.
 */
export type VerifyCode = "line" | "start" | "order" | "chain" | "time" | "key" | "signature";

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
    const authors = [...this.#authors].map(([author, state]) => {
      const { events, firstSeq, lastSeq, lastHash } = state;
      return { author, events, firstSeq, lastSeq, lastHash };
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
    const state = this.#authors.get(event.author) ?? this.#newAuthor(event);
    this.#checkPlace(line, event, state);
    state.verifier ??= keyInOpening(event);
    const signature = fromHex(event.sig);
    if (state.verifier === undefined) {
      this.#problem("key", line, `a key of "${event.author}" must be known`);
    } else if (!state.verifier({ purpose: journalPurpose, bytes: signed, signature })) {
      this.#problem("signature", line, `the signature of event ${event.seq} must verify`);
    }
    state.events++;
    state.lastSeq = event.seq;
    state.lastMs = event.ts_ms;
    state.lastHash = hashSigned(signed);
  }

  // The three go together with the line; splitting the state would only hide that.
  #checkPlace(line: JournalLine, event: JournalEvent, state: AuthorState): void {
    if (state.events === 0 && event.seq !== 1) {
      this.#problem("start", line, `an author's first event must be number 1, not ${event.seq}`);
    } else if (event.seq !== state.lastSeq + 1) {
      const wanted = state.lastSeq + 1;
      this.#problem("order", line, `the sequence number must be ${wanted}, not ${event.seq}`);
    }
    const unknownStart = state.events === 0 && event.seq !== 1;
    if (!unknownStart && event.prev_hash !== state.lastHash) {
      this.#problem("chain", line, `event ${event.seq} must carry the hash of the one before`);
    }
    if (event.ts_ms < state.lastMs) {
      this.#problem("time", line, `the time must not go back, as at event ${event.seq}`);
    } else if (event.ts_ms > 253402300799999 || dayFileOf(event.ts_ms) !== line.file) {
      this.#problem("time", line, `event ${event.seq} must be in the file of its day`);
    }
  }

  #newAuthor(event: JournalEvent): AuthorState {
    const key = this.#options.keys?.get(event.author);
    const state: AuthorState = {
      events: 0,
      firstSeq: event.seq,
      lastSeq: 0,
      lastHash: zeroHash,
      lastMs: 0,
      verifier: key === undefined ? undefined : createVerifier(key),
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

/** The key in a "journal.open" event, when it is its author's. */
function keyInOpening(event: JournalEvent): Verifier | undefined {
  if (event.chi !== "journal.open" || typeof event.body !== "object" || event.body === null) return;
  const hex: unknown = Reflect.get(event.body, "public_key");
  if (typeof hex !== "string" || !/^[0-9a-f]{64}$/.test(hex)) return undefined;
  const publicKey = fromHex(hex);
  if (publicKey.length !== publicKeyBytes || hidOf(publicKey) !== event.author) return undefined;
  return createVerifier(publicKey);
}
