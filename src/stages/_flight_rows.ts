/** Rows of a flight: which sessions' they are, and which are wanted. */
import type { BatchEntry } from "../engine/mod.ts";
import type { Wanted } from "./forward_frame.ts";
import type { PipelineSession } from "./_pipeline_session.ts";
import type { LocalStage } from "./_pipeline_stage.ts";

/** Rows of one session. */
export interface FlightEntry {
  readonly session: PipelineSession;
  readonly firstPosition: number;
  readonly tokens: Uint32Array;
  readonly wanted: Wanted;
}

/** Rows of a flight. */
export function rowsOf(flight: readonly FlightEntry[]): number {
  return flight.reduce((sum, { tokens }) => sum + tokens.length, 0);
}

/** The rows of a flight that are wanted, by their number. */
export function wantedRows(flight: readonly FlightEntry[]): readonly number[] {
  const rows: number[] = [];
  let row = 0;
  for (const { tokens: { length }, wanted } of flight) {
    const end = row + length;
    const from = wanted === "all" ? row : wanted === "last" ? end - 1 : end;
    for (let each = from; each < end; each++) rows.push(each);
    row = end;
  }
  return rows;
}

/** A run of an entry's rows; the last row is in the last piece only. */
// tidy: allow positional-parameters as a piece is an entry from here on, so many
export function pieceOf(entry: FlightEntry, at: number, count: number): FlightEntry {
  const { session, firstPosition, tokens, wanted } = entry;
  if (count === tokens.length) return entry;
  const isEnd = at + count === tokens.length;
  return {
    session,
    firstPosition: firstPosition + at,
    tokens: tokens.subarray(at, at + count),
    wanted: wanted === "last" && !isEnd ? "none" : wanted,
  };
}

/** An entry at the own executor, which forgets what comes after it. */
export function ownEntry(
  { session, firstPosition, tokens }: FlightEntry,
  stage: LocalStage,
): BatchEntry {
  const own = session.shares.get(stage)?.own;
  if (own === undefined) throw new TypeError("Cannot compute a session as it is not open here");
  if (own.session.positionCount > firstPosition) {
    own.session.truncate(firstPosition);
    own.links.truncate(firstPosition);
  }
  const positionCount = tokens.length;
  return { session: own.session, firstPosition, positionCount, links: own.links.bytes };
}

/** The tokens of all rows. */
export function tokensOf(flight: readonly FlightEntry[]): Uint32Array {
  const [first] = flight;
  if (first !== undefined && flight.length === 1) return first.tokens;
  const tokens = new Uint32Array(rowsOf(flight));
  let at = 0;
  for (const entry of flight) {
    tokens.set(entry.tokens, at);
    at += entry.tokens.length;
  }
  return tokens;
}

/** Values one after the other. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
