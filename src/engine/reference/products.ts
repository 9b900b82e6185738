/**
 * Dot products in plain TypeScript (docs/NUMERIC_CLASS.md section 3).
 */
import type { BlockMatrix, Matrix } from "./weights.ts";
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
  const activations = quantise(x);
  for (let row = 0; row < rows; row++) result[row] = rowTotal(matrix, row, activations);
  return result;
}

/** Section 3.2: one row of blocks. */
function rowTotal(matrix: BlockMatrix, row: number, { q, d }: Quantised): number {
  const { integers, scales, factors, minima } = matrix;
  let total = 0;
  for (let i = 0; i < d.length; i++) {
    const block = row * d.length + i;
    const products = [0, 0];
    const sums = [0, 0];
    for (let k = 0; k < blockColumns; k++) {
      const half = k >> 4;
      const activation = q[i * blockColumns + k] ?? NaN;
      products[half] = (products[half] ?? NaN) +
        (integers[block * blockColumns + k] ?? NaN) * activation;
      sums[half] = (sums[half] ?? NaN) + activation;
    }
    const scale = fround((scales[block] ?? NaN) * (d[i] ?? NaN));
    total = fround(total + fround(fround(weigh(factors, block, products)) * scale));
    if (minima !== undefined) {
      const minimum = fround((minima.scales[block] ?? NaN) * (d[i] ?? NaN));
      total = fround(total + fround(fround(weigh(minima.factors, block, sums)) * minimum));
    }
  }
  return total;
}

/** A block's factors by what its halves gave. */
function weigh(factors: ArrayLike<number>, block: number, halves: readonly number[]): number {
  const [first = NaN, second = NaN] = halves;
  return (factors[block * 2] ?? NaN) * first + (factors[block * 2 + 1] ?? NaN) * second;
}
