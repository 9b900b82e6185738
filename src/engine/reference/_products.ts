/**
 * Dot products in plain TypeScript (docs/NUMERIC_CLASS.md section 3).
 */
import type { Matrix } from "./_weights.ts";
import { f32, nearest } from "./functions.ts";

const fround = Math.fround;
const blockColumns = 32;
const amaxLeast = f32("0d800000");

// tidy: allow positional-parameters as it is the hot numeric kernel
/** Section 3.1 over `count` elements of two f32 sequences. */
export function dot(
  w: Float32Array,
  wFrom: number,
  x: Float32Array,
  xFrom: number,
  count: number,
): number {
  let total = 0;
  for (let block = 0; block < count; block += blockColumns) {
    let p = 0;
    const end = Math.min(block + blockColumns, count);
    for (let i = block; i < end; i++) {
      p = fround(p + fround((w[wFrom + i] ?? NaN) * (x[xFrom + i] ?? NaN)));
    }
    total = fround(total + p);
  }
  return total;
}

/** Activations quantised by section 3.2: integers, and one `d` per block. */
export interface Quantised {
  readonly q: Int32Array;
  readonly d: Float32Array;
}

/** Quantises a vector whose length is a multiple of 32. */
export function quantise(x: Float32Array): Quantised {
  const q = new Int32Array(x.length);
  const d = new Float32Array(x.length / blockColumns);
  for (let block = 0; block < d.length; block++) {
    const from = block * blockColumns;
    let amax = 0;
    for (let i = 0; i < blockColumns; i++) amax = Math.max(amax, Math.abs(x[from + i] ?? NaN));
    if (!Number.isFinite(amax)) d[block] = NaN;
    else if (amax >= amaxLeast) {
      d[block] = fround(amax / 127);
      const e = fround(127 / amax);
      for (let i = 0; i < blockColumns; i++) {
        q[from + i] = nearest(fround((x[from + i] ?? NaN) * e));
      }
    }
  }
  return { q, d };
}

/** All rows of a matrix by a vector. */
export function multiply(matrix: Matrix, x: Float32Array): Float32Array {
  const { rows, columns } = matrix;
  const result = new Float32Array(rows);
  if (matrix.kind === "plain") {
    for (let row = 0; row < rows; row++) {
      result[row] = dot(matrix.values, row * columns, x, 0, columns);
    }
    return result;
  }
  const { q, d } = quantise(x);
  for (let row = 0; row < rows; row++) {
    let total = 0;
    for (let block = 0; block < d.length; block++) {
      const from = block * blockColumns;
      let integer = 0;
      for (let i = 0; i < blockColumns; i++) {
        integer += (matrix.integers[row * columns + from + i] ?? NaN) * (q[from + i] ?? NaN);
      }
      const s = fround((matrix.scales[row * d.length + block] ?? NaN) * (d[block] ?? NaN));
      total = fround(total + fround(fround(integer) * s));
    }
    result[row] = total;
  }
  return result;
}
