/**
 * The journal: an append-only log of signed, hash-chained events, one writer. docs/JOURNAL.md has the
 * format, what an acknowledgement means, and what a crash at each step leaves.
 *
 * Appends queue up; all that wait become one group commit: one write and, by policy, one sync. A
 * commit that fails rejects its appends, and before the next one the state is read again from the
 * disk, by the code that start-up runs.
 */
import { createVerifier } from "../identity/mod.ts";
import { makeDirectoryDurably } from "../ports/mod.ts";
import type { Timer } from "../ports/mod.ts";
import { AppendQueue } from "./_append_queue.ts";
import type { Waiting } from "./_append_queue.ts";
import { Broadcast } from "./_broadcast.ts";
import { openingDraft, sealBatch } from "./_chain.ts";
import type { ChainHead, SealedBatch } from "./_chain.ts";
import { dayFileOf } from "./_day_files.ts";
import { DayWriter } from "./_day_writer.ts";
import { recover } from "./_recover.ts";
import type { Recovered, RecoverOptions } from "./_recover.ts";
import { canonicalJson } from "./canonical_json.ts";
import { JournalError, stateError } from "./errors.ts";
import { bodyDepthMax, checkDraft, lineBytes, zeroHash } from "./event.ts";
import type { EventDraft, JournalEvent } from "./event.ts";
import type { Journal, JournalOptions, JournalStatus } from "./journal_types.ts";
import { lineBytesDefault, readJournal } from "./reader.ts";
import type { JournalReader } from "./reader.ts";

/** Bytes of lines in one group commit; more than one line only while they fit. */
const COMMIT_BYTES_MAX = 4 * 1024 * 1024;

/** Room for the event that opens a day file. */
const OPENING_BYTES_MAX = 1024;

/**
 * Opens the journal for writing: recovers from whatever a crash left, checks the last signatures.
 * The caller holds the single-instance lock; two writers would damage the log.
 *
 * @throws {JournalError} "corrupt", "wrong-author", or the disk's "full", "read-only", "io"
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const lineBytesMax = options.lineBytesMax ?? lineBytesDefault;
  if (!(lineBytesMax >= 2 * OPENING_BYTES_MAX && lineBytesMax <= COMMIT_BYTES_MAX)) {
    throw new RangeError(
      `Cannot open the journal as 'lineBytesMax' must be in ${
        2 * OPENING_BYTES_MAX
      }..${COMMIT_BYTES_MAX}: current value is ${lineBytesMax}`,
    );
  }
  const recovery: RecoverOptions = {
    disk: options.disk,
    directory: options.directory,
    author: options.identity.hid,
    verifier: createVerifier(options.identity.publicKey),
    lineBytesMax,
    commitBytesMax: COMMIT_BYTES_MAX + OPENING_BYTES_MAX,
    strict: (options.fsync ?? "always") === "always",
    tailChecks: options.tailChecks ?? 64,
  };
  try {
    await makeDirectoryDurably(options.disk, { path: options.directory });
    const recovered = await recover(recovery);
    await options.disk.syncDirectory(options.directory);
    return new OpenJournal({ ...options, lineBytesMax }, { recovery, recovered });
  } catch (thrown) {
    throw JournalError.from(thrown, "open the journal");
  }
}

class OpenJournal implements Journal {
  readonly #options: JournalOptions & { readonly lineBytesMax: number };
  readonly #recovery: RecoverOptions;
  readonly #reader: JournalReader;
  readonly #queue: AppendQueue;
  readonly #followers: Broadcast;
  readonly #counters = { appended: 0, commits: 0, refused: 0, failures: 0 };
  readonly #cutBytes: number;
  /** The last acknowledged event; moves only after its commit is as durable as the policy says. */
  #head: ChainHead;
  #writer: DayWriter;
  /** After a failure, the disk is read again before anything is written. */
  #suspect = false;
  #failed = false;
  #closing: Promise<void> | undefined;
  #syncDue = false;
  #syncTimer: Timer | undefined;
  /** The commit loop, while it runs: the only place that writes. */
  #loop: Promise<void> | undefined;

  constructor(
    options: JournalOptions & { readonly lineBytesMax: number },
    state: { readonly recovery: RecoverOptions; readonly recovered: Recovered },
  ) {
    const { recovery, recovered } = state;
    const { disk, directory, lineBytesMax } = options;
    this.#options = options;
    this.#recovery = recovery;
    this.#reader = readJournal({ disk, directory, lineBytesMax });
    this.#queue = new AppendQueue({
      countMax: options.queueCountMax ?? 1024,
      bytesMax: options.queueBytesMax ?? 8 * 1024 * 1024,
    });
    this.#followers = new Broadcast({ eventsMax: options.followEventsMax ?? 1024 });
    this.#cutBytes = recovered.cutBytes;
    this.#head = recovered.head;
    this.#writer = new DayWriter({ disk, directory, ...recovered });
  }

  // deno-lint-ignore require-await -- rejects, never throws
  async append(draft: EventDraft): Promise<JournalEvent> {
    if (this.#closing) throw stateError("closed");
    if (this.#failed) throw stateError("failed");
    const sealed = this.#seal(draft);
    return new Promise((resolve, reject) => {
      if (this.#queue.tryPush({ ...sealed, resolve, reject })) return this.#wake();
      this.#counters.refused++;
      reject(stateError("busy"));
    });
  }

  status(): JournalStatus {
    const { seq, hash, tsMs } = this.#head;
    const state = this.#closing
      ? "closed"
      : this.#failed
      ? "failed"
      : this.#suspect
      ? "recovering"
      : "open";
    return {
      state,
      author: this.#options.identity.hid,
      seq,
      hash,
      tsMs,
      file: this.#writer.file,
      recovered: { cutBytes: this.#cutBytes },
      pending: this.#queue.length,
      counters: { ...this.#counters, lagged: this.#followers.laggedCount },
    };
  }

  /** Without what is written and not acknowledged yet. */
  async tail(count: number): Promise<JournalEvent[]> {
    return (await this.#reader.tail(count)).filter((event) => event.seq <= this.#head.seq);
  }

  /** Up to what is acknowledged at this moment; a commit under way is not read. */
  range(range: Parameters<JournalReader["range"]>[0] = {}): AsyncIterable<JournalEvent> {
    const author = range.author ?? this.#options.identity.hid;
    const to = Math.min(range.to ?? Infinity, this.#head.seq);
    return this.#reader.range({ ...range, author, to });
  }

  follow(signal: AbortSignal): AsyncIterable<JournalEvent> {
    return this.#followers.follow(signal);
  }

  verify(
    options: Parameters<JournalReader["verify"]>[0] = {},
  ): ReturnType<JournalReader["verify"]> {
    const { hid, publicKey } = this.#options.identity;
    return this.#reader.verify({
      ...options,
      keys: new Map([...options.keys ?? [], [hid, publicKey]]),
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#syncTimer?.cancel();
    while (this.#loop !== undefined) await this.#loop;
    try {
      // What was not acknowledged may stay behind: the next start cuts it.
      if (this.#suspect && !this.#failed) {
        await this.#recover().catch((thrown: unknown) => {
          if (this.#writer.dirty) throw thrown;
        });
      }
      await this.#writer.sync();
      await this.#writer.close();
    } catch (thrown) {
      throw JournalError.from(thrown, "close the journal");
    } finally {
      this.#followers.close();
    }
  }

  #seal({ body, ...draft }: EventDraft): Omit<Waiting, "resolve" | "reject"> {
    checkDraft({ body, ...draft });
    const { lineBytesMax, identity } = this.#options;
    const bytesMax = lineBytesMax;
    const text = canonicalJson(body, { depthMax: bodyDepthMax, bytesMax });
    const picked = draft.sid === undefined
      ? { chi: draft.chi, rid: draft.rid }
      : { chi: draft.chi, sid: draft.sid, rid: draft.rid };
    const [seq, tsMs] = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
    const longest = {
      draft: picked,
      body: text,
      author: identity.hid,
      seq,
      tsMs,
      prevHash: zeroHash,
    };
    const bytes = lineBytes(longest, new Uint8Array(64)).length;
    if (bytes <= lineBytesMax) return { draft: picked, body: text, lineBytes: bytes };
    throw new RangeError(
      `Cannot append to the journal as a line must be at most ${lineBytesMax} bytes: current value is ${bytes}`,
    );
  }

  #wake(): void {
    this.#loop ??= this.#run().finally(() => {
      this.#loop = undefined;
      if (this.#queue.length > 0 || this.#syncDue) this.#wake();
    });
  }

  async #run(): Promise<void> {
    // One turn later, so that everything appended in this one joins the first commit.
    await Promise.resolve();
    for (;;) {
      if (this.#syncDue) await this.#syncInBackground();
      const batch = this.#queue.take(COMMIT_BYTES_MAX);
      if (batch.length === 0) return;
      await this.#commit(batch);
    }
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    let events: readonly JournalEvent[];
    try {
      events = await this.#write(batch);
    } catch (thrown) {
      this.#noteFailure(thrown);
      const error = JournalError.from(thrown, "append to the journal");
      for (const append of batch) append.reject(error);
      return;
    }
    const opened = events.length - batch.length;
    events.forEach((event, i) => {
      this.#followers.publish(event);
      batch[i - opened]?.resolve(event);
    });
  }

  async #write(batch: readonly Waiting[]): Promise<readonly JournalEvent[]> {
    if (this.#failed) throw stateError("failed");
    if (this.#suspect) await this.#recover();
    const sealed = this.#sealBatch(batch);
    await this.#writer.write(dayFileOf(sealed.head.tsMs), sealed.bytes);
    if ((this.#options.fsync ?? "always") === "always") await this.#writer.sync();
    // The point of no return: from here on the batch is part of the journal.
    this.#writer.accept(sealed.bytes.length);
    this.#head = sealed.head;
    this.#counters.commits++;
    this.#counters.appended += sealed.events.length;
    this.#armSync();
    return sealed.events;
  }

  /** A commit's time is later than every other's, also when the clock was set back: see _recover.ts. */
  #sealBatch(batch: readonly Waiting[]): SealedBatch {
    const { clock, identity } = this.#options;
    const tsMs = Math.max(clock.nowMs(), this.#head.tsMs + 1);
    const opens = this.#writer.file !== dayFileOf(tsMs);
    const drafts = opens ? [openingDraft(identity), ...batch] : batch;
    return sealBatch(drafts, { head: this.#head, identity, tsMs });
  }

  #armSync(): void {
    const { fsync, clock } = this.#options;
    if (typeof fsync !== "object" || this.#syncTimer !== undefined || this.#closing) return;
    this.#syncTimer = clock.after(fsync.intervalMs, () => {
      this.#syncTimer = undefined;
      this.#syncDue = true;
      this.#wake();
    });
  }

  async #syncInBackground(): Promise<void> {
    this.#syncDue = false;
    try {
      if (this.#suspect) await this.#recover();
      await this.#writer.sync();
    } catch (thrown) {
      this.#noteFailure(thrown);
      this.#armSync();
    }
  }

  #noteFailure(thrown: unknown): void {
    this.#counters.failures++;
    this.#suspect = true;
    if (thrown instanceof JournalError && thrown.code === "failed") this.#failed = true;
  }

  /** Cuts what the failed commit left and reads the state from the disk, as a start does. */
  async #recover(): Promise<void> {
    await this.#writer.restore();
    const found = await recover(this.#recovery);
    if (found.head.seq !== this.#head.seq || found.head.hash !== this.#head.hash) {
      throw stateError("failed");
    }
    const { disk, directory } = this.#options;
    this.#writer = new DayWriter({ disk, directory, ...found });
    this.#suspect = false;
  }
}
