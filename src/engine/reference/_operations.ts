/**
 * The elementwise operations of a layer in plain TypeScript (docs/NUMERIC_CLASS.md section 5).
 */
import type { Family } from "../../model/mod.ts";
import { erff, expf, f32, sinCos, tanhf } from "./functions.ts";

const fround = Math.fround;

/** A norm's vectors: a bias makes it a layer norm. */
export interface NormWeights {
  readonly weight: Float32Array;
  readonly bias: Float32Array | undefined;
}

// tidy: allow positional-parameters as it is a hot numeric kernel
/** Either norm of section 5.1. */
export function norm(
  x: Float32Array,
  { weight, bias }: NormWeights,
  epsilon: number,
): Float32Array {
  if (bias === undefined) {
    const r = scaleOf(x, epsilon);
    return x.map((value, i) => fround(fround(value * r) * (weight[i] ?? NaN)));
  }
  const mean = sumOf(x) / x.length;
  const d = x.map((value) => fround(value - mean));
  const r = scaleOf(d, epsilon);
  return d.map((value, i) => {
    const weighed = fround(fround(value * r) * (weight[i] ?? NaN));
    return fround(weighed + (bias[i] ?? NaN));
  });
}

/** 1 / sqrt(mean of squares + epsilon). */
function scaleOf(x: Float32Array, epsilon: number): number {
  const squares = Float64Array.from(x, (value) => value * value);
  return fround(1 / Math.sqrt(sumOf(squares) / x.length + fround(epsilon)));
}

/** The eight sums of section 5.1 and their sum. */
function sumOf(terms: Float32Array | Float64Array): number {
  const p = new Float64Array(8);
  for (let i = 0; i < terms.length; i++) p[i & 7] = (p[i & 7] ?? NaN) + (terms[i] ?? NaN);
  const [p0 = NaN, p1 = NaN, p2 = NaN, p3 = NaN, p4 = NaN, p5 = NaN, p6 = NaN, p7 = NaN] = p;
  return ((p0 + p4) + (p2 + p6)) + ((p1 + p5) + (p3 + p7));
}

/** The RMS norm of each run of `weight.length` elements. */
export function headNorms(x: Float32Array, weight: Float32Array, epsilon: number): Float32Array {
  const result = new Float32Array(x.length);
  for (let from = 0; from < x.length; from += weight.length) {
    const head = x.subarray(from, from + weight.length);
    result.set(norm(head, { weight, bias: undefined }, epsilon), from);
  }
  return result;
}

/** How a layer rotates. */
export interface Rotation {
  readonly frequencies: Float64Array;
  readonly magnitude: number;
  readonly pairs: Family["ropePairs"];
  readonly headWidth: number;
}

// tidy: allow positional-parameters as it is a hot numeric kernel
/** Section 5.2 on every head of `x`, in place. */
export function rotate(x: Float32Array, position: number, rotation: Rotation): void {
  const { frequencies, magnitude, pairs, headWidth } = rotation;
  frequencies.forEach((frequency, i) => {
    const { sin, cos } = sinCos(position * frequency);
    const c = fround(cos * magnitude);
    const s = fround(sin * magnitude);
    const first = pairs === "halves" ? i : 2 * i;
    const second = pairs === "halves" ? i + frequencies.length : 2 * i + 1;
    for (let head = 0; head < x.length; head += headWidth) {
      const a = x[head + first] ?? NaN;
      const b = x[head + second] ?? NaN;
      x[head + first] = fround(fround(a * c) - fround(b * s));
      x[head + second] = fround(fround(a * s) + fround(b * c));
    }
  });
}

/** C * tanhf(x / C), or x where there is no cap (0). */
export function capped(x: number, cap: number): number {
  return cap === 0 ? x : fround(cap * tanhf(fround(x / cap)));
}

const sqrtTwoOverPi = f32("3f4c422a");
const geluCubic = f32("3d372713");
const sqrtHalf = f32("3f3504f3");

/** The activations of section 5.4, by the family's name for them. */
export const activations: Readonly<Record<Family["activation"], (x: number) => number>> = {
  "silu": (x) => fround(x / fround(1 + expf(-x))),
  "gelu-tanh": (x) => {
    const cubic = fround(1 + fround(fround(x * x) * geluCubic));
    return gelu(x, tanhf(fround(fround(x * sqrtTwoOverPi) * cubic)));
  },
  "gelu-erf": (x) => gelu(x, erff(fround(x * sqrtHalf))),
};

function gelu(x: number, share: number): number {
  return fround(fround(x * 0.5) * fround(1 + share));
}

/** Adds two vectors. */
export function add(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => fround(value + (b[i] ?? NaN)));
}

/** Multiplies two vectors. */
export function times(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => fround(value * (b[i] ?? NaN)));
}
