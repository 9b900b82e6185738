/**
 * The operations of a layer in plain TypeScript (docs/NUMERIC_CLASS.md sections 3 and 5).
 */
import type { Matrix } from "./_weights.ts";
import { exp, expf, f32, log, nearest, sinCos } from "./functions.ts";

const fround = Math.fround;
const blockColumns = 32;
const tile = 32;
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

/** Section 5.1. */
export function norm(x: Float32Array, w: Float32Array, epsilon: number): Float32Array {
  const p = [0, 0, 0, 0, 0, 0, 0, 0] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  x.forEach((value, i) => {
    const lane = i & 7;
    p[lane] = (p[lane] ?? NaN) + value * value;
  });
  const sum = ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
  const r = fround(1 / Math.sqrt(sum / x.length + fround(epsilon)));
  return x.map((value, i) => fround(fround(value * r) * (w[i] ?? NaN)));
}

/** Section 5.2 on every head of `x`, in place. */
export function rotate(
  x: Float32Array,
  options: { position: number; headWidth: number; ropeWidth: number; ropeBase: number },
): void {
  const { position, headWidth, ropeWidth, ropeBase } = options;
  for (let i = 0; i < ropeWidth / 2; i++) {
    const angle = position * exp(-((2 * i) / ropeWidth) * log(ropeBase));
    const { sin, cos } = sinCos(angle);
    const c = fround(cos);
    const s = fround(sin);
    for (let at = 2 * i; at < x.length; at += headWidth) {
      const a = x[at] ?? NaN;
      const b = x[at + 1] ?? NaN;
      x[at] = fround(fround(a * c) - fround(b * s));
      x[at + 1] = fround(fround(a * s) + fround(b * c));
    }
  }
}

// tidy: allow positional-parameters as it is a hot numeric kernel
/** Section 5.3 for one head: `keys` and `values` are the visible positions' rows, from `from` on. */
export function attend(
  query: Float32Array,
  keys: readonly Float32Array[],
  values: readonly Float32Array[],
  from: number,
): Float32Array {
  const width = query.length;
  const scale = fround(1 / Math.sqrt(width));
  const scores = keys.map((key) => fround(dot(query, 0, key, from, width) * scale));
  const m = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = scores.map((score) => expf(fround(score - m)));
  const output = new Float32Array(width);
  let sum = 0;
  for (let start = 0; start < weights.length; start += tile) {
    const end = Math.min(start + tile, weights.length);
    const c: [number, number, number, number] = [0, 0, 0, 0];
    const o = new Float32Array(width);
    for (let j = start; j < end; j++) {
      const p = weights[j] ?? NaN;
      c[j & 3] = fround((c[j & 3] ?? NaN) + p);
      for (let e = 0; e < width; e++) {
        o[e] = fround((o[e] ?? NaN) + fround(p * (values[j]?.[from + e] ?? NaN)));
      }
    }
    sum = fround(sum + fround(fround(c[0] + c[2]) + fround(c[1] + c[3])));
    for (let e = 0; e < width; e++) output[e] = fround((output[e] ?? NaN) + (o[e] ?? NaN));
  }
  return output.map((value) => fround(value / sum));
}

/** The feed-forward gate of section 5, step 5. */
export function gate(g: Float32Array, u: Float32Array): Float32Array {
  return g.map((value, i) => {
    const silu = fround(value / fround(1 + expf(-value)));
    return fround(silu * (u[i] ?? NaN));
  });
}

/** Adds two vectors. */
export function add(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => fround(value + (b[i] ?? NaN)));
}
