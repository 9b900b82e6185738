/**
 * Runs a piece of work on a modelled disk once to list its operations, then again for each that changes
 * something, with the power cut there, and hands the check every disk that comes out: what a killed
 * process leaves, and several random survivors of a power cut.
 */
import { ModelledDisk, SeededRandom } from "../../src/sim/mod.ts";
import { isLong } from "../_long.ts";

/** What to crash and how to judge it; `Notes` is what the work told the outside world so far. */
export interface CrashPlan<Notes> {
  /** Brings the disk to the state before the work; not crashed. */
  prepare?(disk: ModelledDisk): Promise<void>;
  /** The work; it may throw once the power is off. Fills `notes` as it acknowledges things. */
  work(disk: ModelledDisk, notes: Notes): Promise<void>;
  /** A fresh record of what was acknowledged. */
  notes(): Notes;
  /** Judges a survivor; `where` names the crash for messages. */
  check(disk: ModelledDisk, about: { notes: Notes; where: string }): Promise<void>;
  /** Random survivors per power cut. @default 12 */
  survivors?: number;
  /** Judges every so manieth state, and the last; all of them in a long run. @default 1 */
  every?: number;
  /** Bytes of a page; small ones tear more. @default 64 */
  pageBytes?: number;
}

/** Times the survivors of a default run; for long runs. */
const RUNS = Number(globalThis.process?.env["SKEP_TEST_RUNS"] ?? 1);

/** Operations that leave a disk as it was. */
const readings: ReadonlySet<string> = new Set([
  "stat",
  "list",
  "open:read",
  "read",
  "sizeBytes",
  "close",
]);

/**
 * Runs the plan; returns how many disks were judged.
 *
 * The power is cut before each operation that changes the disk, and once at the end: what is there
 * after one change is there before the next, when the most was acknowledged.
 */
export async function crashEverywhere<Notes>(plan: CrashPlan<Notes>): Promise<number> {
  const changes = await changesOf(plan);
  let judged = 0;
  const every = isLong ? 1 : plan.every ?? 1;
  for (const operation of [...changes.filter((_, i) => i % every === 0), undefined]) {
    const disk = await prepared(plan);
    const notes = plan.notes();
    const number = operation ?? (changes.at(-1) ?? 0) + 1;
    let where = "power cut at the end";
    if (operation === undefined) {
      await plan.work(disk, notes);
    } else {
      disk.powerCut = { operation: disk.operations.length + operation, moment: "before" };
      await plan.work(disk, notes).catch(() => {});
      const at = disk.operations.at(-1);
      where = `power cut before operation ${operation} (${at?.kind} ${at?.path})`;
    }
    await plan.check(disk.kill(), { notes, where: `${where}, cache intact` });
    for (let seed = 0; seed < (plan.survivors ?? 12) * RUNS; seed++) {
      const survivor = disk.crash(new SeededRandom(number * 1000 + seed));
      await plan.check(survivor, { notes, where: `${where}, seed ${number * 1000 + seed}` });
      judged++;
    }
  }
  return judged;
}

/** The numbers, from 0, of the work's operations that change the disk. */
async function changesOf<Notes>(plan: CrashPlan<Notes>): Promise<number[]> {
  const disk = await prepared(plan);
  const before = disk.operations.length;
  await plan.work(disk, plan.notes());
  return disk.operations.slice(before).flatMap(({ kind }, i) => readings.has(kind) ? [] : [i]);
}

async function prepared<Notes>(plan: CrashPlan<Notes>): Promise<ModelledDisk> {
  const disk = new ModelledDisk({ pageBytes: plan.pageBytes ?? 64 });
  await plan.prepare?.(disk);
  return disk;
}
