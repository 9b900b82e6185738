/**
 * Runs a piece of work on a modelled disk once to count its operations, then again for each of them
 * with the power cut before and after it, and hands the check every disk that comes out: what a killed
 * process leaves, and several random survivors of a power cut.
 */
import { ModelledDisk, SeededRandom } from "../../src/sim/mod.ts";

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
  /** Random survivors per power cut. @default 4 */
  survivors?: number;
  /** Bytes of a page; small ones tear more. @default 64 */
  pageBytes?: number;
}

/** Times the survivors of a default run; for long runs. */
const RUNS = Number(globalThis.process?.env["SKEP_TEST_RUNS"] ?? 1);

/** Runs the plan; returns how many disks were judged. */
export async function crashEverywhere<Notes>(plan: CrashPlan<Notes>): Promise<number> {
  const count = await countOperations(plan);
  let judged = 0;
  for (let operation = 0; operation < count; operation++) {
    for (const moment of ["before", "after"] as const) {
      const disk = await prepared(plan);
      disk.powerCut = { operation: disk.operations.length + operation, moment };
      const notes = plan.notes();
      await plan.work(disk, notes).catch(() => {});
      const at = disk.operations.at(-1);
      const where = `power cut ${moment} operation ${operation} (${at?.kind} ${at?.path})`;
      await plan.check(disk.kill(), { notes, where: `${where}, cache intact` });
      for (let seed = 0; seed < (plan.survivors ?? 4) * RUNS; seed++) {
        const survivor = disk.crash(new SeededRandom(operation * 1000 + seed));
        await plan.check(survivor, { notes, where: `${where}, seed ${operation * 1000 + seed}` });
        judged++;
      }
    }
  }
  return judged;
}

async function countOperations<Notes>(plan: CrashPlan<Notes>): Promise<number> {
  const disk = await prepared(plan);
  const before = disk.operations.length;
  await plan.work(disk, plan.notes());
  return disk.operations.length - before;
}

async function prepared<Notes>(plan: CrashPlan<Notes>): Promise<ModelledDisk> {
  const disk = new ModelledDisk({ pageBytes: plan.pageBytes ?? 64 });
  await plan.prepare?.(disk);
  return disk;
}
