/**
 * The operations of a layer in plain TypeScript (docs/NUMERIC_CLASS.md section 5).
 */
import { dot } from "./_products.ts";
import { exp, expf, log, sinCos } from "./functions.ts";

const fround = Math.fround;
const tile = 32;

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
