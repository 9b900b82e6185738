/**
 * Reads a journal's files without writing, holding a lock or needing the key: for the command line
 * with the node stopped, and underneath a running journal. Streams; memory stays bounded.
 */
import type { Disk } from "../ports/mod.ts";
import { dayFileLines, listDayFiles } from "./_day_files.ts";
import { JournalError } from "./errors.ts";
import { hashSigned, tryParseLine } from "./event.ts";
import type { JournalEvent, ParsedLine } from "./event.ts";
import { verifyLines } from "./verify.ts";
import type { JournalLine, VerifyOptions, VerifyReport } from "./verify.ts";

/** Which journal to read. */
export interface ReaderOptions {
  /** The disk that holds it. */
  readonly disk: Disk;
  /** Absolute path of the directory of the day files; may be missing. */
  readonly directory: string;
  /** Longest line that is read, LF included. @default 1048576 */
  readonly lineBytesMax?: number;
}

/** Which events to read. */
export interface RangeOptions {
  /** Only this author's. @default all */
  readonly author?: string;
  /** First sequence number. @default 1 */
  readonly from?: number;
  /** Last sequence number, included. @default no end */
  readonly to?: number;
  /**
   * Called with each line that is not an event; without it, such a line ends the reading with a
   * `JournalError` "corrupt".
   */
  readonly onCorrupt?: (at: { readonly file: string; readonly line: number }) => void;
}

/** What is on the disk. */
export interface JournalSummary {
  /** Day files. */
  readonly files: number;
  /** Their bytes. */
  readonly sizeBytes: number;
  /** The last whole event's author, or undefined in an empty journal. */
  readonly author: string | undefined;
  /** Its sequence number, 0 in an empty journal. */
  readonly seq: number;
  /** That of the first one: above 1 when retention has removed those before it; 0 without any. */
  readonly firstSeq: number;
  /** The hash that the next event will carry, 64 hex digits; "" in an empty journal. */
  readonly hash: string;
  /** Its time, Unix milliseconds; 0 in an empty journal. */
  readonly tsMs: number;
}

/** The reading half of a journal. */
export interface JournalReader {
  /** Counts and the last event. @throws {DiskError} */
  summary(): Promise<JournalSummary>;
  /** The last `count` (1..10,000) whole events, oldest first. @throws {DiskError} */
  tail(count: number): Promise<JournalEvent[]>;
  /**
   * Events in the order of the log. A torn last line is an event in the making and is left out.
   *
   * @throws {JournalError} "corrupt" at a bad line, unless `onCorrupt` is given; @throws {DiskError}
   */
  range(options?: RangeOptions): AsyncIterable<JournalEvent>;
  /** Checks every line, chain and signature; problems are in the report. @throws {DiskError} */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
}

/** Longest line unless told otherwise: 1 MiB. */
export const lineBytesDefault: number = 1024 * 1024;

const TAIL_COUNT_MAX = 10_000;

/** A reader of the journal in `directory`, which need not exist. */
export function readJournal(options: ReaderOptions): JournalReader {
  const { disk, directory } = options;
  const source = { disk, directory, lineBytesMax: options.lineBytesMax ?? lineBytesDefault };
  return {
    summary: () => summarise(source),
    tail: (count) => tailOf(source, count),
    range: (range = {}) => rangeOf(source, range),
    verify: (verify = {}) => verifyLines(allLines(source), verify),
  };
}

type Source = Required<ReaderOptions>;

async function summarise(source: Source): Promise<JournalSummary> {
  const files = await listDayFiles(source.disk, source.directory);
  let sizeBytes = 0;
  for (const name of files) {
    sizeBytes += (await source.disk.stat(`${source.directory}/${name}`))?.sizeBytes ?? 0;
  }
  const last = (await lastLines(source, 1)).at(-1);
  const event = last?.event;
  const hash = last === undefined ? "" : hashSigned(last.signed);
  const [author, seq, tsMs] = [event?.author, event?.seq ?? 0, event?.ts_ms ?? 0];
  const firstSeq = await firstSeqOf(source, files);
  return { files: files.length, sizeBytes, author, seq, firstSeq, hash, tsMs };
}

async function firstSeqOf(source: Source, files: readonly string[]): Promise<number> {
  for (const name of files) {
    for await (const line of dayFileLines(source, name)) {
      const seq = tryParseLine(line.bytes)?.event.seq;
      if (seq !== undefined) return seq;
    }
  }
  return 0;
}

async function tailOf(source: Source, count: number): Promise<JournalEvent[]> {
  if (!Number.isInteger(count) || count < 1 || count > TAIL_COUNT_MAX) {
    throw new RangeError(
      `Cannot read the journal's tail as 'count' must be in 1..${TAIL_COUNT_MAX}: current value is ${count}`,
    );
  }
  return (await lastLines(source, count)).map((line) => line.event);
}

/** The last events of the newest files, as many as there are up to `count`. */
async function lastLines(source: Source, count: number): Promise<ParsedLine[]> {
  let found: ParsedLine[] = [];
  for (const name of (await listDayFiles(source.disk, source.directory)).reverse()) {
    const kept: Uint8Array[] = [];
    for await (const line of dayFileLines(source, name)) {
      if (line.kind !== "whole") continue;
      kept.push(line.bytes.slice());
      if (kept.length > 2 * count) kept.splice(0, kept.length - count);
    }
    const parsed = kept.map(tryParseLine).filter((line) => line !== undefined);
    found = [...parsed, ...found].slice(-count);
    if (found.length === count) break;
  }
  return found;
}

async function* rangeOf(source: Source, range: RangeOptions): AsyncGenerator<JournalEvent, void> {
  const { author, from = 1, to = Infinity, onCorrupt } = range;
  for await (const line of allLines(source, await firstFileFor(source, range))) {
    if (line.kind === "torn") continue;
    const parsed = line.kind === "whole" ? tryParseLine(line.bytes) : undefined;
    if (parsed === undefined) {
      if (onCorrupt === undefined) throw corrupt(line);
      onCorrupt({ file: line.file, line: line.number });
      continue;
    }
    const { event } = parsed;
    if (author !== undefined && event.author !== author) continue;
    if (author !== undefined && event.seq > to) return;
    if (event.seq >= from && event.seq <= to) yield event;
  }
}

/** An author's later files have higher numbers, so those that end before `from` are passed over. */
async function firstFileFor(source: Source, { author, from = 1 }: RangeOptions): Promise<number> {
  if (author === undefined || from <= 1) return 0;
  const files = await listDayFiles(source.disk, source.directory);
  for (let i = files.length - 1; i > 0; i--) {
    for await (const line of dayFileLines(source, files[i] ?? "")) {
      const event = tryParseLine(line.bytes)?.event;
      if (event?.author === author && event.seq <= from) return i;
      break;
    }
  }
  return 0;
}

/** Every line of every day file, oldest first, from file number `first` on. */
async function* allLines(source: Source, first = 0): AsyncGenerator<JournalLine, void> {
  const files = (await listDayFiles(source.disk, source.directory)).slice(first);
  for (const [i, file] of files.entries()) {
    let number = 0;
    for await (const line of dayFileLines(source, file)) {
      number++;
      const lastFile = i === files.length - 1;
      yield { bytes: line.bytes, length: line.length, kind: line.kind, file, number, lastFile };
    }
  }
}

function corrupt(line: JournalLine): JournalError {
  const message =
    `Cannot read the journal as every line must be an event: current value is line ${line.number} of "${line.file}"`;
  return new JournalError({ code: "corrupt", message });
}
