/**
 * Snapshots: what a signed event tells of the tree over all events before it. The chain's hash at that
 * point is the event's own `prev_hash`, its height the event's own number less one.
 *
 * Every day file begins with one, in its opening event, so that each file can be read without those
 * before it; others follow after so many events, or so much time.
 */
import { decodeHex, encodeHex } from "../hot/mod.ts";
import { TreeEdge, treeHashBytes } from "./merkle.ts";
import type { JournalEvent } from "./event.ts";

/** The kind of event that is nothing but a snapshot. */
export const snapshotChi = "journal.snapshot";

/** The kind of event that opens a day file. */
export const openingChi = "journal.open";

/** Canonical JSON of a tree's state. */
export function snapshotText(tree: TreeEdge): string {
  const peaks = tree.peaks.map((peak) => `"${encodeHex(peak)}"`).join(",");
  return `{"height":${tree.size},"peaks":[${peaks}],"root":"${encodeHex(tree.root())}"}`;
}

/**
 * The tree that an event tells of: undefined when it tells of none, "bad" when what it tells is none
 * that could come before it.
 */
export function snapshotIn(event: JournalEvent): TreeEdge | "bad" | undefined {
  if (event.chi === snapshotChi) return readSnapshot(event.body, event.seq - 1);
  if (event.chi !== openingChi) return undefined;
  const snapshot = memberOf(event.body, "snapshot");
  // Openings of the first format had none.
  return snapshot === undefined ? undefined : readSnapshot(snapshot, event.seq - 1);
}

function readSnapshot(value: unknown, height: number): TreeEdge | "bad" {
  const [peaks, root] = [memberOf(value, "peaks"), memberOf(value, "root")];
  if (memberOf(value, "height") !== height || !Array.isArray(peaks)) return "bad";
  if (!isHash(root) || !peaks.every(isHash)) return "bad";
  try {
    const tree = new TreeEdge({ size: height, peaks: peaks.map(decodeHex) });
    return encodeHex(tree.root()) === root ? tree : "bad";
  } catch {
    // As many peaks as no tree of that size has.
    return "bad";
  }
}

function isHash(value: unknown): value is string {
  return typeof value === "string" && value.length === 2 * treeHashBytes &&
    /^[0-9a-f]+$/.test(value);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
