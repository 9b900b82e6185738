/**
 * Which day files may go, and how they go. Only files before one that begins with a signed snapshot
 * may, so that what is left can be verified from its first line. Age is told by the earlier of the
 * log's own time and the clock's, so that a clock that was set back removes nothing.
 */
import { decodeHex } from "../hot/mod.ts";
import type { Verifier } from "../identity/mod.ts";
import { DiskError } from "../ports/mod.ts";
import type { Disk } from "../ports/mod.ts";
import { journalPurpose } from "./_chain.ts";
import { dayFileLines, dayFileOf, listDayFiles } from "./_day_files.ts";
import type { DayFileSource } from "./_day_files.ts";
import { tryParseLine } from "./event.ts";
import { snapshotIn } from "./_snapshot.ts";

/** What is kept of the past; the newest day file always is. */
export type JournalRetention =
  /** Everything. */
  | { readonly mode: "archive" }
  /** The day files of so many days before the newest event's. */
  | { readonly mode: "rolling"; readonly days: number }
  /** The newest day file. */
  | { readonly mode: "light" };

/** The kind of event that tells of a removal. */
export const prunedChi = "journal.pruned";

/** A removal that is about to be made. */
export interface Removal {
  /** Names, oldest first. */
  readonly files: readonly string[];
  /** The file that the log begins with then. */
  readonly first: string;
  readonly sizeBytes: number;
  /** Number of the last event in them: a snapshot of all up to it is what the log begins with then. */
  readonly through: number;
}

/** What is known when a removal is planned. */
export interface RetentionPlan extends DayFileSource {
  readonly retention: JournalRetention;
  readonly author: string;
  readonly verifier: Verifier;
  /** The file that is being written. */
  readonly newest: string;
  /** Time of the last event, and the clock's. */
  readonly headMs: number;
  readonly nowMs: number;
}

const DAY_MS = 86_400_000;

/** The name of the oldest file to keep; undefined when all are kept. */
export function oldestToKeep(
  plan: Pick<RetentionPlan, "retention" | "newest" | "headMs" | "nowMs">,
): string | undefined {
  const { retention, newest } = plan;
  if (retention.mode === "archive") return undefined;
  if (retention.mode === "light") return newest;
  const cutoffMs = Math.min(plan.headMs, plan.nowMs) - retention.days * DAY_MS;
  if (cutoffMs < 0) return undefined;
  const oldest = dayFileOf(cutoffMs);
  return oldest < newest ? oldest : newest;
}

/** What to remove; undefined when there is nothing, or no snapshot to begin with. @throws {DiskError} */
export async function planRemoval(plan: RetentionPlan): Promise<Removal | undefined> {
  const oldest = oldestToKeep(plan);
  if (oldest === undefined) return undefined;
  const all = await listDayFiles(plan.disk, plan.directory);
  for (let count = all.filter((name) => name < oldest).length; count > 0; count--) {
    const first = all[count] ?? "";
    const through = await heightAt(plan, first);
    if (through === undefined) continue;
    const files = all.slice(0, count);
    let sizeBytes = 0;
    for (const name of files) {
      sizeBytes += (await plan.disk.stat(`${plan.directory}/${name}`))?.sizeBytes ?? 0;
    }
    return { files, first, sizeBytes, through };
  }
  return undefined;
}

/**
 * Removes the files, the oldest first, each for good before the next, so that a crash leaves no gap.
 *
 * @param onRemoved is called after each @throws {DiskError}
 */
export async function removeFiles(
  about: { readonly disk: Disk; readonly directory: string },
  { files, onRemoved }: { readonly files: readonly string[]; readonly onRemoved: () => void },
): Promise<void> {
  for (const name of files) {
    try {
      await about.disk.remove(`${about.directory}/${name}`);
    } catch (thrown) {
      if (!(thrown instanceof DiskError && thrown.code === "not-found")) throw thrown;
    }
    await about.disk.syncDirectory(about.directory);
    onRemoved();
  }
}

/** Events before a file that begins with a signed snapshot; undefined for any other file. */
async function heightAt(plan: RetentionPlan, name: string): Promise<number | undefined> {
  for await (const line of dayFileLines(plan, name)) {
    const parsed = line.kind === "whole" ? tryParseLine(line.bytes) : undefined;
    if (parsed === undefined || parsed.event.author !== plan.author) return undefined;
    const tree = snapshotIn(parsed.event);
    const signature = decodeHex(parsed.event.sig);
    const signed = { purpose: journalPurpose, bytes: parsed.signed, signature };
    return tree === undefined || tree === "bad" || !plan.verifier(signed) ? undefined : tree.size;
  }
  return undefined;
}
