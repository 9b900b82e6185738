/**
 * The journal: an append-only log of signed, hash-chained events, one writer. docs/JOURNAL.md has the
 * format, what an acknowledgement means, and what a crash at each step leaves.
 *
 * Appends queue up; all that wait become one group commit: one write and, by policy, one sync. A
 * commit that fails rejects its appends, and before the next one the state is read again from the
 * disk, by the code that start-up runs.
 */
import { encodeHex } from "../hot/mod.ts";
import { createVerifier } from "../identity/mod.ts";
import { makeDirectoryDurably } from "../ports/mod.ts";
import type { Timer } from "../ports/mod.ts";
import { AppendQueue } from "./_append_queue.ts";
import type { Waiting } from "./_append_queue.ts";
import { Broadcast } from "./_broadcast.ts";
import type { SealedDraft } from "./_chain.ts";
import { Committer } from "./_committer.ts";
import type { Committed } from "./_committer.ts";
import { prove } from "./_prover.ts";
import type { ProofRequest } from "./_prover.ts";
import { recover } from "./_recover.ts";
import type { Recovered, RecoverOptions } from "./_recover.ts";
import { sealDraft } from "./_seal.ts";
import { JournalError, stateError } from "./errors.ts";
import type { EventDraft, JournalEvent } from "./event.ts";
import type { Journal, JournalOptions, JournalStatus } from "./journal_types.ts";
import { signHead } from "./log_head.ts";
import type { SignedLogHead } from "./log_head.ts";
import { lineBytesDefault, readJournal } from "./reader.ts";
import type { JournalReader } from "./reader.ts";

/** Bytes of lines in one group commit; more than one line only while they fit. */
const COMMIT_BYTES_MAX = 4 * 1024 * 1024;

/** Room for the event that opens a day file, and for a snapshot: 53 nodes at most. */
const OWN_BYTES_MAX = 4096;

/**
 * Opens the journal for writing: recovers from whatever a crash left, checks the last signatures.
 * The caller holds the single-instance lock; two writers would damage the log.
 *
 * @throws {JournalError} "corrupt", "wrong-author", or the disk's "full", "read-only", "io"
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const lineBytesMax = options.lineBytesMax ?? lineBytesDefault;
  if (!(lineBytesMax >= OWN_BYTES_MAX && lineBytesMax <= COMMIT_BYTES_MAX)) {
    throw new RangeError(
      `Cannot open the journal as 'lineBytesMax' must be in ${OWN_BYTES_MAX}..${COMMIT_BYTES_MAX}: current value is ${lineBytesMax}`,
    );
  }
  const recovery: RecoverOptions = {
    disk: options.disk,
    directory: options.directory,
    author: options.identity.hid,
    verifier: createVerifier(options.identity.publicKey),
    lineBytesMax,
    commitBytesMax: COMMIT_BYTES_MAX + 2 * OWN_BYTES_MAX,
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
  readonly #reader: JournalReader;
  readonly #queue: AppendQueue;
  readonly #followers: Broadcast;
  readonly #committer: Committer;
  readonly #cutBytes: number;
  #refused = 0;
  #closing: Promise<void> | undefined;
  #syncDue = false;
  #syncTimer: Timer | undefined;
  /** The commit loop, while it runs: the only place that writes. */
  #loop: Promise<void> | undefined;

  constructor(
    options: JournalOptions & { readonly lineBytesMax: number },
    state: { readonly recovery: RecoverOptions; readonly recovered: Recovered },
  ) {
    const { disk, directory, lineBytesMax } = options;
    this.#options = options;
    this.#reader = readJournal({ disk, directory, lineBytesMax });
    this.#queue = new AppendQueue({
      countMax: options.queueCountMax ?? 1024,
      bytesMax: options.queueBytesMax ?? 8 * 1024 * 1024,
    });
    this.#followers = new Broadcast({ eventsMax: options.followEventsMax ?? 1024 });
    this.#cutBytes = state.recovered.cutBytes;
    this.#committer = new Committer({ options, ...state, onSnapshotDue: () => this.#wake() });
  }

  // deno-lint-ignore require-await -- rejects, never throws
  async append(draft: EventDraft): Promise<JournalEvent> {
    if (this.#closing) throw stateError("closed");
    if (this.#committer.state === "failed") throw stateError("failed");
    const { lineBytesMax, identity } = this.#options;
    const sealed = sealDraft(draft, { author: identity.hid, lineBytesMax });
    return new Promise((resolve, reject) => {
      if (this.#queue.tryPush({ ...sealed, resolve, reject })) return this.#wake();
      this.#refused++;
      reject(stateError("busy"));
    });
  }

  status(): JournalStatus {
    const { head: { seq, hash, tsMs }, counters, prunedFiles, state, file } = this.#committer;
    return {
      state: this.#closing ? "closed" : state,
      author: this.#options.identity.hid,
      ...{ seq, hash, tsMs, file },
      recovered: { cutBytes: this.#cutBytes },
      pending: this.#queue.length,
      counters: {
        ...counters,
        refused: this.#refused,
        lagged: this.#followers.laggedCount,
        prunedFiles,
      },
    };
  }

  head(): SignedLogHead {
    const { clock, identity } = this.#options;
    const { tree, tsMs } = this.#committer.durable;
    const root = encodeHex(tree.root());
    return signHead(identity, { size: tree.size, root, tsMs: Math.max(clock.nowMs(), tsMs) });
  }

  prove(request: ProofRequest): Promise<Uint8Array[] | undefined> {
    const { disk, directory, lineBytesMax } = this.#options;
    return prove({ disk, directory, lineBytesMax, keeper: this.#committer.tree }, request);
  }

  /** Without what is written and not acknowledged yet. */
  async tail(count: number): Promise<JournalEvent[]> {
    return (await this.#reader.tail(count)).filter((event) =>
      event.seq <= this.#committer.head.seq
    );
  }

  /** Up to what is acknowledged at this moment; a commit under way is not read. */
  range(range: Parameters<JournalReader["range"]>[0] = {}): AsyncIterable<JournalEvent> {
    const author = range.author ?? this.#options.identity.hid;
    const to = Math.min(range.to ?? Infinity, this.#committer.head.seq);
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
    this.#committer.snapshots.end();
    while (this.#loop !== undefined) await this.#loop;
    try {
      await this.#committer.close();
    } catch (thrown) {
      throw JournalError.from(thrown, "close the journal");
    } finally {
      this.#followers.close();
    }
  }

  #wake(): void {
    this.#loop ??= this.#run().finally(() => {
      this.#loop = undefined;
      if (this.#isWorkLeft()) this.#wake();
    });
  }

  #isWorkLeft(): boolean {
    return this.#queue.length > 0 || this.#syncDue || this.#committer.snapshots.isTime;
  }

  async #run(): Promise<void> {
    // One turn later, so that everything appended in this one joins the first commit.
    await Promise.resolve();
    for (;;) {
      if (this.#syncDue) await this.#syncInBackground();
      const batch = this.#queue.take(COMMIT_BYTES_MAX);
      if (batch.length === 0 && !this.#committer.snapshots.isTime) return;
      await this.#commit(batch);
      await this.#committer.prune((draft) => this.#commit([], draft));
    }
  }

  async #commit(batch: readonly Waiting[], own?: SealedDraft): Promise<boolean> {
    let committed: Committed;
    try {
      committed = await this.#committer.commit(own === undefined ? batch : [...batch, own]);
    } catch (thrown) {
      const error = JournalError.from(thrown, "append to the journal");
      for (const append of batch) append.reject(error);
      return false;
    }
    this.#armSync();
    const { events, opened } = committed;
    events.forEach((event, i) => {
      this.#followers.publish(event);
      batch[i - opened]?.resolve(event);
    });
    return true;
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
    if (!await this.#committer.sync()) this.#armSync();
  }
}
