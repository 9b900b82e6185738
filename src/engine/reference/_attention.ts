/**
 * Attention in plain TypeScript (docs/NUMERIC_CLASS.md section 5.3).
 */
import { capped } from "./_operations.ts";
import { dot } from "./products.ts";
import { expf } from "./functions.ts";

const fround = Math.fround;
const tile = 32;

/** What one query head sees. */
export interface Seen {
  /** Rows of all positions from 0 on, all heads of a row one after the other. */
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
  /** The first element of the head in a row. */
  readonly head: number;
  /** Visible positions: `from` (inclusive) to `to` (exclusive). */
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  readonly cap: number;
}

/** Section 5.3 for one head. */
export function attend(query: Float32Array, seen: Seen): Float32Array {
  const { keys, values, head, from, to, scale, cap } = seen;
  const width = query.length;
  const score = (j: number): number => {
    return capped(fround(dot(query, 0, keys[j] ?? query, head, width) * scale), cap);
  };
  const scores = Array.from({ length: to - from }, (_, i) => score(from + i));
  const m = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const output = new Float32Array(width);
  let sum = 0;
  for (let start = from - from % tile; start < to; start += tile) {
    const c: [number, number, number, number] = [0, 0, 0, 0];
    const o = new Float32Array(width);
    for (let j = Math.max(start, from); j < Math.min(start + tile, to); j++) {
      const p = expf(fround((scores[j - from] ?? NaN) - m));
      c[j & 3] = fround((c[j & 3] ?? NaN) + p);
      const value = values[j];
      for (let e = 0; e < width; e++) {
        o[e] = fround((o[e] ?? NaN) + fround(p * (value?.[head + e] ?? NaN)));
      }
    }
    sum = fround(sum + fround(fround(c[0] + c[2]) + fround(c[1] + c[3])));
    for (let e = 0; e < width; e++) output[e] = fround((output[e] ?? NaN) + (o[e] ?? NaN));
  }
  return output.map((value) => fround(value / sum));
}
