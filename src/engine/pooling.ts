/**
 * From an encoder's rows to one embedding (docs/NUMERIC_CLASS.md section 5.6).
 *
 * It is f64 arithmetic of the language, so the executors share it.
 */
import type { Family } from "../model/mod.ts";

/**
 * Pools the rows of one text and gives the result the length 1 (L2), or +0 everywhere.
 *
 * @param hidden positions x width, at least one position
 */
export function pool(
  hidden: Float32Array,
  options: { readonly width: number; readonly pooling: NonNullable<Family["pooling"]> },
): Float32Array<ArrayBuffer> {
  const { width } = options;
  const pooled = pooledRow(hidden, options);
  const p = new Float64Array(8);
  pooled.forEach((value, e) => p[e & 7] = (p[e & 7] ?? NaN) + value * value);
  const [p0 = NaN, p1 = NaN, p2 = NaN, p3 = NaN, p4 = NaN, p5 = NaN, p6 = NaN, p7 = NaN] = p;
  const length = Math.sqrt(((p0 + p4) + (p2 + p6)) + ((p1 + p5) + (p3 + p7)));
  const embedding = new Float32Array(width);
  if (length === 0) return embedding;
  return embedding.map((_, e) => (pooled[e] ?? NaN) / length);
}

function pooledRow(
  hidden: Float32Array,
  { width, pooling }: { readonly width: number; readonly pooling: NonNullable<Family["pooling"]> },
): Float64Array {
  if (pooling === "cls") return Float64Array.from(hidden.subarray(0, width));
  if (pooling === "last") return Float64Array.from(hidden.subarray(hidden.length - width));
  const sums = new Float64Array(width);
  hidden.forEach((value, i) => sums[i % width] = (sums[i % width] ?? NaN) + value);
  const positions = hidden.length / width;
  return sums.map((sum) => sum / positions);
}
