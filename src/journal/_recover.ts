/**
 * Finds out, from the disk alone, where the journal stands, and cuts what a crash left behind. The
 * same code runs at start-up and after a failed write.
 *
 * What a crash can leave is the last group commit, any part of it: pages survive in any order, so a
 * torn line may be followed by whole ones. All lines of one group commit have the same `ts_ms` and no
 * other lines have it; that tells a torn commit (cut) from damage to lines that were acknowledged
 * (refused). Where commits are not synced (`strict` false), everything behind the first bad line goes.
 */
import { decodeHex, encodeHex } from "../hot/mod.ts";
import type { Verifier } from "../identity/mod.ts";
import type { Disk, DiskFile } from "../ports/mod.ts";
import { emptyHead, journalPurpose } from "./_chain.ts";
import type { ChainHead } from "./_chain.ts";
import { listDayFiles } from "./_day_files.ts";
import { readLines } from "./_lines.ts";
import { TreeScan } from "./_tree_scan.ts";
import { readTree } from "./_tree_reader.ts";
import { JournalError } from "./errors.ts";
import { tryParseLine } from "./event.ts";
import type { ParsedLine } from "./event.ts";
import { TreeEdge } from "./merkle.ts";

/** What recovery needs to know. */
export interface RecoverOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** Hid whose journal it must be. */
  readonly author: string;
  readonly verifier: Verifier;
  readonly lineBytesMax: number;
  /** Most that one group commit can have written. */
  readonly commitBytesMax: number;
  /** Whether every commit was synced before the next one began. */
  readonly strict: boolean;
  /** How many of the last events' signatures are checked. */
  readonly tailChecks: number;
}

/** Where the journal stands. */
export interface Recovered {
  readonly head: ChainHead;
  /** The day file of the last event and the length of its good part. */
  readonly file: string | undefined;
  readonly offset: number;
  /** The oldest day file. */
  readonly oldest: string | undefined;
  /** Bytes that were cut off. */
  readonly cutBytes: number;
  /** The tree over all events. */
  readonly tree: TreeEdge;
  /** Events of the newest file behind its last snapshot. */
  readonly uncovered: number;
}

interface Scan {
  readonly last: ParsedLine | undefined;
  readonly tree: TreeScan;
  readonly goodEnd: number;
  readonly sizeBytes: number;
}

/** Recovers. @throws {JournalError} "corrupt", "wrong-author"; @throws {DiskError} */
export async function recover(options: RecoverOptions): Promise<Recovered> {
  const files = await listDayFiles(options.disk, options.directory);
  const oldest = files[0];
  let cutBytes = 0;
  for (const file of files.reverse()) {
    const scan = await recoverFile(options, file);
    cutBytes += scan.sizeBytes - scan.goodEnd;
    if (scan.last === undefined) continue;
    const { event } = scan.last;
    const head = { seq: event.seq, hash: encodeHex(scan.tree.lastHash), tsMs: event.ts_ms };
    const tree = scan.tree.edge ?? await treeOfOlder(options, event.seq);
    const { uncovered } = scan.tree;
    return { head, file, offset: scan.goodEnd, oldest, cutBytes, tree, uncovered };
  }
  const [tree, uncovered] = [new TreeEdge(), 0];
  return { head: emptyHead, file: undefined, offset: 0, oldest, cutBytes, tree, uncovered };
}

/** The newest file has no snapshot, as an earlier release has written it. */
async function treeOfOlder(options: RecoverOptions, size: number): Promise<TreeEdge> {
  const reading = await readTree(options, size);
  if (reading === undefined) {
    throw corrupt("the files before", "a snapshot must tell of the events that are missing");
  }
  const { edge } = reading;
  for await (const leaf of reading.leaves) {
    if (edge.size < size) edge.append(leaf);
  }
  return edge;
}

/** Scans one file, cuts its torn end, and makes sure that what is left is on the disk. */
async function recoverFile(options: RecoverOptions, name: string): Promise<Scan> {
  const file = await options.disk.open(`${options.directory}/${name}`, "update");
  try {
    const scan = await scanFile(options, { file, name });
    if (scan.goodEnd < scan.sizeBytes) await file.truncate(scan.goodEnd);
    await file.sync();
    return scan;
  } finally {
    await file.close();
  }
}

async function scanFile(
  options: RecoverOptions,
  source: { readonly file: DiskFile; readonly name: string },
): Promise<Scan> {
  const lastLines: ParsedLine[] = [];
  const tree = new TreeScan();
  let last: ParsedLine | undefined;
  let [goodEnd, sizeBytes] = [0, 0];
  let bad = false;
  const laterTimes = new Set<number>();
  for await (const line of readLines(source.file, options)) {
    sizeBytes = line.offset + line.length;
    const parsed = line.kind === "whole" ? tryParseLine(line.bytes) : undefined;
    if (parsed !== undefined) checkAuthor(parsed, options.author);
    bad ||= parsed === undefined || !follows(parsed, last, tree);
    if (parsed === undefined || bad) {
      if (parsed !== undefined) laterTimes.add(parsed.event.ts_ms);
      continue;
    }
    if (!tree.take(parsed)) throw corrupt(source.name, wrongSnapshot(parsed));
    last = parsed;
    goodEnd = sizeBytes;
    lastLines.push(parsed);
    if (lastLines.length > options.tailChecks) lastLines.shift();
  }
  if (options.strict && bad) {
    checkTorn({ ...options, ...source, last, tree, goodEnd, sizeBytes, laterTimes });
  }
  for (const { event, signed } of lastLines) {
    const signature = decodeHex(event.sig);
    if (options.verifier({ purpose: journalPurpose, bytes: signed, signature })) continue;
    throw corrupt(source.name, `the signature of event ${event.seq} must verify`);
  }
  return { last, tree, goodEnd, sizeBytes };
}

// tidy: allow positional-parameters as a line follows another, of which the tree has the hash
function follows(
  { event }: ParsedLine,
  previous: ParsedLine | undefined,
  tree: TreeScan,
): boolean {
  if (previous === undefined) return true;
  return event.seq === previous.event.seq + 1 && event.ts_ms >= previous.event.ts_ms &&
    event.prev_hash === encodeHex(tree.lastHash);
}

function wrongSnapshot({ event }: ParsedLine): string {
  return `the snapshot of event ${event.seq} must be of the events before it`;
}

/** Whether everything behind the good part can be one group commit that a crash tore. */
function checkTorn(
  tail: Scan & {
    readonly name: string;
    readonly commitBytesMax: number;
    readonly laterTimes: ReadonlySet<number>;
  },
): void {
  const times = [...tail.laterTimes];
  const lastMs = tail.last?.event.ts_ms ?? 0;
  const oneCommit = times.length <= 1 && times.every((tsMs) => tsMs >= lastMs);
  if (oneCommit && tail.sizeBytes - tail.goodEnd <= tail.commitBytesMax) return;
  throw corrupt(tail.name, "only its last group commit can be torn by a crash", tail.goodEnd);
}

function checkAuthor({ event }: ParsedLine, author: string): void {
  if (event.author === author) return;
  const message =
    `Cannot open the journal as its author must be "${author}": current value is "${event.author}"`;
  throw new JournalError({ code: "wrong-author", message });
}

function corrupt(name: string, rule: string, offset?: number): JournalError {
  const where = offset === undefined ? `"${name}"` : `"${name}" at byte ${offset}`;
  const message = `Cannot open the journal as ${rule}: current value is damaged in ${where}`;
  return new JournalError({ code: "corrupt", message });
}
