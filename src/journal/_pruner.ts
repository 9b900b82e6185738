/** Carries retention out: asks now and then what may go, words it for the log, removes it. */
import { oldestToKeep, planRemoval, prunedChi, removeFiles } from "./_retention.ts";
import type { Removal, RetentionPlan } from "./_retention.ts";
import type { SealedDraft } from "./_chain.ts";
import { canonicalJson } from "./canonical_json.ts";

/** What changes from one asking to the next. */
type Moment = Pick<RetentionPlan, "newest" | "headMs" | "nowMs">;

/** Removes old day files. */
export class Pruner {
  readonly #plan: Omit<RetentionPlan, keyof Moment>;
  /** The oldest file that is there. */
  #oldest: string | undefined;
  /** The file that was being written at the last asking: one more comes with the next file. */
  #askedAt: string | undefined;
  /** Files removed since the start. */
  removedFiles = 0;

  /** @param found what is on the disk */
  constructor(
    plan: Omit<RetentionPlan, keyof Moment>,
    found: { readonly oldest: string | undefined },
  ) {
    this.#plan = plan;
    this.#oldest = found.oldest;
  }

  /** Whether something may have to go; costs nothing. */
  isDue(moment: Moment): boolean {
    this.#oldest ??= moment.newest;
    const keep = oldestToKeep({ ...this.#plan, ...moment });
    return keep !== undefined && this.#oldest < keep && this.#askedAt !== moment.newest;
  }

  /** What goes, and the event that tells of it. @throws {DiskError} */
  async plan(moment: Moment): Promise<Removal & { readonly draft: SealedDraft } | undefined> {
    this.#askedAt = moment.newest;
    const removal = await planRemoval({ ...this.#plan, ...moment });
    if (removal === undefined) return undefined;
    const { files, sizeBytes, through } = removal;
    const [first = "", last = ""] = [files[0], files.at(-1)];
    const body = canonicalJson({ bytes: sizeBytes, files: files.length, first, last, through });
    return { ...removal, draft: { draft: { chi: prunedChi, rid: prunedChi }, body } };
  }

  /** Removes it. @throws {DiskError} */
  async remove(removal: Removal): Promise<void> {
    await removeFiles(this.#plan, {
      files: removal.files,
      onRemoved: () => void this.removedFiles++,
    });
    this.#oldest = removal.first;
  }
}
