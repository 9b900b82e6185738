/** Batches of inputs for BLAKE3: their shape, and what is checked before the first one is hashed. */
import { ARENA_BYTES } from "./_blake3_map.ts";

/** Many inputs in one buffer. */
export interface Blake3Batch {
  /** The bytes that hold all inputs. */
  readonly data: Uint8Array;
  /** Offset and length of each input: entry i is `table[2 * i]`, `table[2 * i + 1]`. */
  readonly table: Uint32Array;
  /** Entries of `table` to hash. */
  readonly count: number;
  /** Takes digest i at 32 * i. */
  readonly out: Uint8Array;
}

/** Entries from `first` on, before `limit`, that lie within one arena of each other. */
export function batchSpan(
  table: Uint32Array,
  first: number,
  limit: number,
): { readonly low: number; readonly high: number; readonly end: number } {
  let low = Infinity;
  let high = 0;
  let end = first;
  for (; end < limit; end++) {
    const at = table[2 * end] as number;
    const nextLow = Math.min(low, at);
    const nextHigh = Math.max(high, at + (table[2 * end + 1] as number));
    if (nextHigh - nextLow > ARENA_BYTES) break;
    low = nextLow;
    high = nextHigh;
  }
  return { low, high, end };
}

/** @throws {RangeError} when the table, the output or an entry of a batch is short */
export function checkBatch({ data, table, count, out }: Blake3Batch): void {
  if (!Number.isInteger(count) || count < 0 || table.length < 2 * count) {
    throw new RangeError(
      `Cannot hash a batch as 'table' must have two words per input: ` +
        `current value has ${table.length} for ${count}`,
    );
  }
  if (out.length < 32 * count) throw shortOutput(out, 32 * count - 32);
  for (let i = 0; i < count; i++) {
    if ((table[2 * i] as number) + (table[2 * i + 1] as number) > data.length) {
      throw new RangeError(
        `Cannot hash a batch as input ${i} must end within its ${data.length} bytes: ` +
          `current value is ${table[2 * i]} + ${table[2 * i + 1]}`,
      );
    }
  }
}

/** The refusal of an output that has no 32 bytes from `at`. */
export function shortOutput(out: Uint8Array, at: number): RangeError {
  return new RangeError(
    `Cannot write a digest as 'out' must have 32 bytes from ${at}: current value has ${out.length}`,
  );
}
