/** The journal's files: one per UTC day, `YYYY-MM-DD.ndjson`. */
import { DiskError } from "../ports/mod.ts";
import type { Disk, DiskFile } from "../ports/mod.ts";
import { readLines } from "./_lines.ts";
import type { FileLine } from "./_lines.ts";

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

/** Where day files are, and how they are read. */
export interface DayFileSource {
  readonly disk: Disk;
  readonly directory: string;
  readonly lineBytesMax: number;
}

/** The lines of a day file; none when it is gone, as retention may remove it at any time. */
export async function* dayFileLines(
  source: DayFileSource,
  name: string,
): AsyncGenerator<FileLine, void> {
  const file = await tryOpen(source.disk, `${source.directory}/${name}`);
  if (file === undefined) return;
  try {
    yield* readLines(file, source);
  } finally {
    await file.close();
  }
}

async function tryOpen(disk: Disk, path: string): Promise<DiskFile | undefined> {
  try {
    return await disk.open(path, "read");
  } catch (thrown) {
    if (thrown instanceof DiskError && thrown.code === "not-found") return undefined;
    throw thrown;
  }
}
