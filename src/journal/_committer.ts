/**
 * Writes group commits: chains and signs them, keeps the tree, says when a snapshot belongs into one,
 * and reads the state from the disk again after a failure. One call at a time.
 */
import { openingDraft, sealBatch, snapshotDraft } from "./_chain.ts";
import type { ChainHead, SealedBatch, SealedDraft } from "./_chain.ts";
import { dayFileOf } from "./_day_files.ts";
import { DayWriter } from "./_day_writer.ts";
import { Pruner } from "./_pruner.ts";
import { recover } from "./_recover.ts";
import type { Recovered, RecoverOptions } from "./_recover.ts";
import { SnapshotSchedule } from "./_snapshot_schedule.ts";
import { TreeKeeper } from "./_tree_keeper.ts";
import { JournalError, stateError } from "./errors.ts";
import type { JournalEvent } from "./event.ts";
import type { JournalOptions } from "./journal_types.ts";
import type { TreeEdge } from "./merkle.ts";

/** What a committer is made of. */
export interface CommitterParts {
  readonly options: JournalOptions & { readonly lineBytesMax: number };
  readonly recovery: RecoverOptions;
  readonly recovered: Recovered;
  /** The time for a snapshot has come. */
  readonly onSnapshotDue: () => void;
}

/** What a commit has added. */
export interface Committed {
  readonly events: readonly JournalEvent[];
  /** Events before the first that was asked for: 1 when a day file was opened. */
  readonly opened: number;
}

/** The tree of the events that are known to be on the disk, and the last one's time. */
export interface DurableState {
  readonly tree: TreeEdge;
  readonly tsMs: number;
}

/** Makes commits. */
export class Committer {
  readonly tree: TreeKeeper;
  readonly snapshots: SnapshotSchedule;
  readonly counters = { appended: 0, commits: 0, failures: 0, snapshots: 0 };
  readonly #options: CommitterParts["options"];
  readonly #recovery: RecoverOptions;
  readonly #pruner: Pruner;
  readonly #always: boolean;
  /** The last acknowledged event; moves only after its commit is as durable as the policy says. */
  #head: ChainHead;
  #durable: DurableState;
  #writer: DayWriter;
  /** After a failure, the disk is read again before anything is written. */
  #suspect = false;
  #failed = false;

  constructor({ options, recovery, recovered, onSnapshotDue }: CommitterParts) {
    const { disk, directory, lineBytesMax, clock, snapshotEvents, snapshotMs } = options;
    this.#options = options;
    this.#recovery = recovery;
    this.#always = recovery.strict;
    this.#head = recovered.head;
    this.tree = new TreeKeeper(recovered.tree);
    this.#durable = { tree: recovered.tree, tsMs: recovered.head.tsMs };
    this.snapshots = new SnapshotSchedule({
      clock,
      events: snapshotEvents ?? 1000,
      delayMs: snapshotMs ?? 600_000,
      onDue: onSnapshotDue,
    }, recovered.uncovered);
    const { verifier, author } = recovery;
    const retention = options.retention ?? { mode: "rolling", days: 30 };
    const kept = { disk, directory, lineBytesMax, retention, author, verifier };
    this.#pruner = new Pruner(kept, { oldest: recovered.oldest });
    this.#writer = new DayWriter({ disk, directory, ...recovered });
  }

  /** The last acknowledged event. */
  get head(): ChainHead {
    return this.#head;
  }

  /** What survives a power cut. */
  get durable(): DurableState {
    return this.#durable;
  }

  /** The day file of the last event. */
  get file(): string | undefined {
    return this.#writer.file;
  }

  /** Day files removed since the start. */
  get prunedFiles(): number {
    return this.#pruner.removedFiles;
  }

  /** How it is, but for being closed. */
  get state(): "open" | "recovering" | "failed" {
    return this.#failed ? "failed" : this.#suspect ? "recovering" : "open";
  }

  /** Writes a commit. What is thrown is counted; the next call recovers first. */
  async commit(batch: readonly SealedDraft[]): Promise<Committed> {
    try {
      return await this.#commit(batch);
    } catch (thrown) {
      this.#noteFailure(thrown);
      throw thrown;
    }
  }

  /** Syncs what was acknowledged; false when the disk refused, which is counted. */
  async sync(): Promise<boolean> {
    try {
      if (this.#suspect) await this.#recover();
      await this.#writer.sync();
      this.#noteDurable();
      return true;
    } catch (thrown) {
      this.#noteFailure(thrown);
      return false;
    }
  }

  /**
   * Removes what retention no longer keeps. What fails is counted, and tried again with the next day
   * file or the next start; the log is whole at every moment of it.
   *
   * @param commit writes the event that tells of it; false when it was not written
   */
  async prune(commit: (draft: SealedDraft) => Promise<boolean>): Promise<void> {
    const { file } = this.#writer;
    if (file === undefined || this.#suspect) return;
    const moment = { newest: file, headMs: this.#head.tsMs, nowMs: this.#options.clock.nowMs() };
    if (!this.#pruner.isDue(moment)) return;
    try {
      const removal = await this.#pruner.plan(moment);
      if (removal === undefined || !await commit(removal.draft)) return;
      // The snapshot that the log will begin with, and the word of the removal, are on the disk first.
      await this.#writer.sync();
      this.#noteDurable();
      await this.#pruner.remove(removal);
    } catch {
      this.counters.failures++;
    }
  }

  /** Leaves everything synced. @throws {DiskError} {JournalError} */
  async close(): Promise<void> {
    // What was not acknowledged may stay behind: the next start cuts it.
    if (this.#suspect && !this.#failed) {
      await this.#recover().catch((thrown: unknown) => {
        if (this.#writer.dirty) throw thrown;
      });
    }
    await this.#writer.sync();
    await this.#writer.close();
  }

  async #commit(batch: readonly SealedDraft[]): Promise<Committed> {
    if (this.#failed) throw stateError("failed");
    if (this.#suspect) await this.#recover();
    const { opens, snapshot, ...sealed } = this.#seal(batch);
    await this.#writer.write(dayFileOf(sealed.head.tsMs), sealed.bytes);
    // Writing in another file has synced the one before it.
    if (opens) this.#noteDurable();
    if (this.#always) await this.#writer.sync();
    // The point of no return: from here on the batch is part of the journal.
    this.#writer.accept(sealed.bytes.length);
    this.#head = sealed.head;
    this.tree.take(sealed.leaves, sealed.tree);
    if (this.#always) this.#noteDurable();
    this.snapshots.committed({ opens, events: batch.length, snapshot });
    this.counters.commits++;
    this.counters.appended += sealed.events.length;
    if (snapshot) this.counters.snapshots++;
    return { events: sealed.events, opened: opens ? 1 : 0 };
  }

  /** A commit's time is later than every other's, also when the clock was set back: see _recover.ts. */
  #seal(
    batch: readonly SealedDraft[],
  ): SealedBatch & { readonly opens: boolean; readonly snapshot: boolean } {
    const { clock, identity } = this.#options;
    const tsMs = Math.max(clock.nowMs(), this.#head.tsMs + 1);
    const opens = this.#writer.file !== dayFileOf(tsMs);
    const snapshot = this.snapshots.isDue({ opens, events: batch.length });
    const drafts = [
      ...opens ? [openingDraft(identity)] : [],
      ...batch,
      ...snapshot ? [snapshotDraft] : [],
    ];
    const chain = { head: this.#head, tree: this.tree.edge, identity, tsMs };
    return { ...sealBatch(drafts, chain), opens, snapshot };
  }

  #noteDurable(): void {
    this.#durable = { tree: this.tree.edge, tsMs: this.#head.tsMs };
  }

  #noteFailure(thrown: unknown): void {
    this.counters.failures++;
    this.#suspect = true;
    this.snapshots.failed();
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
    this.#noteDurable();
    this.#suspect = false;
  }
}
