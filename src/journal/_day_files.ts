/** The names of the journal's files: one per UTC day, `YYYY-MM-DD.ndjson`. */
import type { Disk } from "../ports/mod.ts";

const DAY_FILE_PATTERN = /^\d{4}-\d{2}-\d{2}\.ndjson$/;

/** 9999-12-31T23:59:59.999Z, the last time whose year has four digits. */
const TIME_MS_MAX = 253402300799999;

/** The file of a time. @throws {RangeError} before 1970 or after 9999 */
export function dayFileOf(tsMs: number): string {
  if (!(tsMs >= 0 && tsMs <= TIME_MS_MAX)) {
    throw new RangeError(
      `Cannot name a day file as the time must be in the years 1970..9999: current value is ${tsMs}`,
    );
  }
  return `${new Date(tsMs).toISOString().slice(0, 10)}.ndjson`;
}

/** The day files of a directory, oldest first; none when the directory is missing. */
export async function listDayFiles(disk: Disk, directory: string): Promise<string[]> {
  if (await disk.stat(directory) === undefined) return [];
  return (await disk.list(directory)).filter((name) => DAY_FILE_PATTERN.test(name));
}
