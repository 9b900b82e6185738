/**
 * What a stage remembers of one session: a leaf for every position that it was given, gave, and gave
 * logits of. Positions that were forgotten, as a guess came to nothing, are cut off again.
 */
import type { Blake3 } from "../hot/mod.ts";
import { LeafTree } from "./leaf_tree.ts";

/** Who asked a stage for what: the parts of a session's signed open that a statement names. */
export interface RecordedOpen {
  readonly session: string;
  readonly requester: string;
  readonly payer: string;
  readonly root: string;
  readonly numericClass: string;
  readonly stages: readonly {
    readonly peer: string;
    readonly from: number;
    readonly to: number;
    readonly embedding: boolean;
    readonly head: boolean;
  }[];
}

/** Rows that were computed for a session. */
export interface RecordedRows {
  readonly firstPosition: number;
  readonly positionCount: number;
  /** positionCount x width; undefined where tokens came. */
  readonly input: Float32Array | undefined;
  readonly tokens: Uint32Array | undefined;
  /** positionCount x width. */
  readonly output: Float32Array;
}

/** The place that a record is about. */
export type RecordedPlace = RecordedOpen["stages"][number];

/** A run of positions with a leaf each. */
class Run {
  readonly tree = new LeafTree();
  /** Position of the first leaf. */
  first: number;

  constructor(first: number) {
    this.first = first;
  }

  get end(): number {
    return this.first + this.tree.count;
  }

  /** Leaves of `position` and what follows are forgotten. */
  cut(position: number): void {
    if (position <= this.first) {
      this.tree.truncate(0);
      this.first = position;
    } else if (position < this.end) this.tree.truncate(position - this.first);
  }

  /** Puts leaves at `position`; after a gap the run begins there. */
  put(position: number, digests: Uint8Array): void {
    if (position > this.end) this.cut(0);
    if (this.tree.count === 0) this.first = position;
    this.cut(position);
    this.tree.append(digests);
  }
}

/** A record. */
export class SessionRecord {
  readonly open: RecordedOpen;
  readonly place: RecordedPlace;
  readonly input: Run;
  readonly output: Run;
  readonly logits: Run;
  /** Whether tokens came; undefined before the first row. */
  isEmbedding: boolean | undefined;
  /** The request that it was signed for: nobody is paid twice for one work. */
  request: string | undefined;
  serial = 0;
  /** Until when it is recorded without being signed for again, Unix milliseconds. */
  leaseEndsMs = 0;
  /** Since when nobody computes it; undefined while somebody does. */
  closedMs: number | undefined;

  /**
   * @param held positions that were known when it was opened, and are not signed for; but for those
   *   that `before`, the record of the same session, has
   */
  constructor(
    opened: { readonly open: RecordedOpen; readonly place: RecordedPlace; readonly held: number },
    before?: SessionRecord,
  ) {
    const { open, place, held } = opened;
    this.open = open;
    this.place = place;
    this.request = before?.request;
    this.serial = before?.serial ?? 0;
    const isSame = before?.place.from === place.from && before.place.to === place.to;
    const known = isSame && before.input.end >= held ? before : undefined;
    this.input = known?.input ?? new Run(held);
    this.output = known?.output ?? new Run(held);
    this.logits = known?.logits ?? new Run(held);
    this.isEmbedding = known?.isEmbedding;
    this.cut(held);
  }

  /** Bytes of its leaves. */
  get bytes(): number {
    const leaves = this.input.tree.count + this.output.tree.count + this.logits.tree.count;
    // Inner nodes take as much again.
    return 64 * leaves;
  }

  /** Forgets positions from here on. */
  cut(position: number): void {
    for (const run of [this.input, this.output, this.logits]) {
      if (run.end > position) run.cut(position);
    }
  }

  /** Notes rows. */
  add(rows: RecordedRows, blake3: Blake3): void {
    const { firstPosition, positionCount, input, tokens, output } = rows;
    const isEmbedding = tokens !== undefined;
    // Leaves of tokens and leaves of rows have no common meaning.
    if (this.isEmbedding !== undefined && this.isEmbedding !== isEmbedding) this.cut(0);
    this.isEmbedding = isEmbedding;
    const given = tokens ?? input ?? new Float32Array();
    this.input.put(firstPosition, digestsOf(given, { count: positionCount, blake3 }));
    this.output.put(firstPosition, digestsOf(output, { count: positionCount, blake3 }));
    // Logits of what is computed anew are not those that were given before.
    if (this.logits.end > firstPosition) this.logits.cut(firstPosition);
  }

  /** Notes logits. */
  addLogits(
    { firstPosition, positionCount, logits }: {
      readonly firstPosition: number;
      readonly positionCount: number;
      readonly logits: Float32Array;
    },
    blake3: Blake3,
  ): void {
    this.logits.put(firstPosition, digestsOf(logits, { count: positionCount, blake3 }));
  }
}

/** BLAKE3 of each of `count` rows, 32 B each (section 7.1 of the numeric class). */
function digestsOf(
  rows: Float32Array | Uint32Array,
  { count, blake3 }: { readonly count: number; readonly blake3: Blake3 },
): Uint8Array {
  const data = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  const rowBytes = data.length / Math.max(1, count);
  const out = new Uint8Array(32 * count);
  for (let i = 0; i < count; i++) {
    blake3.hashInto(data.subarray(i * rowBytes, (i + 1) * rowBytes), out, 32 * i);
  }
  return out;
}
