/**
 * bench/results/peers.ndjson: every result that was measured, with time and machine, a line each.
 *
 * Lines are only added, so that change is visible; the report shows the newest of each. Rows may
 * therefore be measured in several runs, each while the machine is quiet.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import type { RowResult } from "./harness.ts";

/** A line: a result, or something to be said of how results came about. */
export type RecordedLine =
  & {
    /** When it was measured, UTC, to the minute (older lines: the day). */
    readonly date: string;
    /** The machine and its runtimes. */
    readonly machine: string;
  }
  & (RowResult | { readonly note: string });

/** A result with its time and machine. */
export type RecordedResult = RecordedLine & RowResult;

/** The newest of everything. */
export interface Recorded {
  readonly results: readonly RecordedResult[];
  /** Without those that a newer note about the same replaces. */
  readonly notes: readonly string[];
}

const file = new URL("results/peers.ndjson", import.meta.url);

/** Adds results and notes of one machine. */
export function recordResults(
  machine: string,
  { results, notes = [] }: {
    readonly results: readonly RowResult[];
    readonly notes?: readonly string[];
  },
): void {
  mkdirSync(new URL("./", file), { recursive: true });
  const date = `${new Date().toISOString().slice(0, 16)}Z`;
  const lines = [...results, ...notes.map((note) => ({ note }))].map((each) =>
    `${JSON.stringify({ date, machine, ...each })}\n`
  );
  appendFileSync(file, lines.join(""));
}

/** What was recorded, in the order of the first line about each thing. */
export function readResults(
  text = existsSync(file) ? readFileSync(file, "utf8") : "",
): Recorded {
  const newest = new Map<string, RecordedLine>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const each = JSON.parse(line) as RecordedLine;
    const before = newest.get(keyOf(each));
    // Lines of several branches may have been put together in any order.
    if (before === undefined || before.date <= each.date) newest.set(keyOf(each), each);
  }
  const lines = [...newest.values()];
  return {
    results: lines.filter((each): each is RecordedResult => !("note" in each)),
    notes: lines.flatMap((each) => "note" in each ? [each.note] : []),
  };
}

/** Of a result: row, runtime without its version, peer; of a note: what it is about. */
function keyOf(line: RecordedLine): string {
  if ("note" in line) return `note ${line.note.split(": ")[0]}`;
  return JSON.stringify([line.name, line.runtime.replace(/ \d[\d.]*$/, ""), line.peer]);
}
