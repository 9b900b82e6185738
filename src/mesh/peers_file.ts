/**
 * peers.json: what the user knows of peers: names for them, and where they can be found. A JSON object
 * with an array `peers`; each row has `key` (64 hex digits), and may have `alias` and `hints`
 * (addresses). Rows that are none are left out and told, the others hold; saving keeps them all.
 */
import * as v from "valibot";
import type { PeerKey } from "../ports/mod.ts";
import { hex64 } from "./_forms.ts";
import { membersMax } from "./roster.ts";

/** Bytes of the file, at most. */
export const peersFileBytesMax: number = 1024 * 1024;

/** Addresses of one row, at most. */
export const hintsMax = 16;

const rowSchema = v.strictObject({
  key: hex64,
  alias: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/))),
  hints: v.optional(
    v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(256))), v.maxLength(hintsMax)),
    [],
  ),
});

/** What is known of a peer. */
export type PeerRow = v.InferOutput<typeof rowSchema>;

/** The rows of a file, and what is wrong with it. */
export interface PeersFile {
  readonly rows: readonly PeerRow[];
  /** A sentence for each row, or the whole, that was not taken. */
  readonly problems: readonly string[];
  /** Rows that were not taken, as they were: they are not lost when the file is written. */
  readonly others: readonly unknown[];
}

/** Reads the text of a file; never throws. */
export function parsePeersFile(text: string): PeersFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { rows: [], problems: ["it is no JSON"], others: [] };
  }
  const peers: unknown = typeof value === "object" && value !== null && "peers" in value
    ? value.peers
    : undefined;
  if (!Array.isArray(peers)) {
    return { rows: [], problems: ['it must be an object with an array "peers"'], others: [] };
  }
  const rows = new Map<PeerKey, PeerRow>();
  const problems: string[] = [];
  const others: unknown[] = [];
  for (const [i, row] of peers.entries()) {
    const checked = v.safeParse(rowSchema, row);
    const problem = !checked.success
      ? problemOf(checked.issues[0])
      : rows.has(checked.output.key)
      ? "its key has a row already"
      : rows.size >= membersMax
      ? `there may be at most ${membersMax} rows`
      : undefined;
    if (checked.success && problem === undefined) rows.set(checked.output.key, checked.output);
    else {
      others.push(row);
      if (problems.length < 16) problems.push(`row ${i + 1}: ${problem ?? "it is none"}`);
    }
  }
  return { rows: [...rows.values()], problems, others };
}

/** The text of a file. */
export function formatPeersFile(file: Pick<PeersFile, "rows" | "others">): string {
  return `${JSON.stringify({ peers: [...file.rows, ...file.others] }, undefined, 2)}\n`;
}

/** The rows with one more, or one changed; of what is not said the old holds. */
export function putPeerRow(
  rows: readonly PeerRow[],
  put: {
    readonly key: PeerKey;
    readonly alias?: string | undefined;
    readonly hints?: readonly string[] | undefined;
  },
): readonly PeerRow[] {
  const known = rows.find(({ key }) => key === put.key);
  const alias = put.alias ?? known?.alias;
  const hints = put.hints === undefined || put.hints.length === 0
    ? known?.hints ?? []
    : put.hints.slice(0, hintsMax);
  const row: PeerRow = { key: put.key, hints, ...(alias === undefined ? {} : { alias }) };
  // An alias is one peer's: the newest has it.
  const others = rows.filter(({ key }) => key !== put.key).map((other) => {
    if (alias === undefined || other.alias !== alias) return other;
    return { key: other.key, hints: other.hints };
  });
  return [...others, row];
}

function problemOf(issue: v.BaseIssue<unknown>): string {
  return `"${v.getDotPath(issue) ?? ""}": ${issue.message}`;
}
