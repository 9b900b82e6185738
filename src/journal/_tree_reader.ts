/** Reads the tree's leaves from the day files, beginning with the file that is near enough. */
import { dayFileLines, listDayFiles } from "./_day_files.ts";
import type { DayFileSource } from "./_day_files.ts";
import { JournalError } from "./errors.ts";
import { digestSigned, tryParseLine } from "./event.ts";
import type { JournalEvent } from "./event.ts";
import { TreeEdge } from "./merkle.ts";
import { snapshotIn } from "./_snapshot.ts";

/** A tree, and the leaves behind it. */
export interface TreeReading {
  readonly edge: TreeEdge;
  /** 32 B each. @throws {JournalError} "corrupt" in the loop, where a line is none or one is missing */
  readonly leaves: AsyncIterable<Uint8Array>;
}

/**
 * The last tree of at most `size` leaves that a file begins with, and all leaves behind it; undefined
 * when the files that have it are gone.
 *
 * @throws {DiskError}
 */
export async function readTree(
  source: DayFileSource,
  size: number,
): Promise<TreeReading | undefined> {
  const files = await listDayFiles(source.disk, source.directory);
  for (let i = files.length - 1; i >= 0; i--) {
    const edge = await edgeBefore(source, files[i] ?? "");
    if (edge === undefined || edge.size > size) continue;
    return { edge, leaves: leavesOf(source, { files: files.slice(i), after: edge.size }) };
  }
  return undefined;
}

/** The tree before a file's first event, when that event tells of it. */
async function edgeBefore(source: DayFileSource, name: string): Promise<TreeEdge | undefined> {
  for await (const line of dayFileLines(source, name)) {
    const event = line.kind === "whole" ? tryParseLine(line.bytes)?.event : undefined;
    return event === undefined ? undefined : edgeIn(event);
  }
  return undefined;
}

function edgeIn(event: JournalEvent): TreeEdge | undefined {
  if (event.seq === 1) return new TreeEdge();
  const told = snapshotIn(event);
  return told === "bad" ? undefined : told;
}

async function* leavesOf(
  source: DayFileSource,
  about: { readonly files: readonly string[]; readonly after: number },
): AsyncGenerator<Uint8Array, void> {
  let seq = about.after;
  for (const file of about.files) {
    for await (const line of dayFileLines(source, file)) {
      if (line.kind === "torn") return;
      const parsed = line.kind === "whole" ? tryParseLine(line.bytes) : undefined;
      if (parsed?.event.seq !== seq + 1) throw damaged(file, seq + 1);
      seq++;
      yield digestSigned(parsed.signed);
    }
  }
}

function damaged(file: string, seq: number): JournalError {
  const message =
    `Cannot read the journal's tree as event ${seq} must come next: current value is another in "${file}"`;
  return new JournalError({ code: "corrupt", message });
}
