/**
 * Factors that a random model's RoPE frequencies are divided by, as trained models have them.
 */
import type { ModelShape } from "../../src/model/mod.ts";

/** Llama 3.1's stretch: 8 below the low frequencies, 1 above the high ones, a ramp between. */
const LLAMA3 = { factor: 8, low: 1, high: 4, originalContext: 8192 } as const;
/** Phi's long factors rise to some 64, its short ones stay near 1. */
const LONG_LAST = 64;
const SHORT_LAST = 2.8;

/** The vector of `ropeWidth / 2` factors of the tensor. */
export function ropeFactors(name: string, shape: ModelShape): Float32Array {
  const count = shape.ropeWidth / 2;
  const base = shape.family.ropes[0]?.base ?? 10_000;
  if (name === "rope_freqs.weight") {
    return Float32Array.from({ length: count }, (_, i) => llama3Factor(base ** (-i / count)));
  }
  const last = name.includes("long") ? LONG_LAST : SHORT_LAST;
  return Float32Array.from({ length: count }, (_, i) => last ** (i / Math.max(1, count - 1)));
}

function llama3Factor(frequency: number): number {
  const { factor, low, high, originalContext } = LLAMA3;
  const rotations = originalContext * frequency / (2 * Math.PI);
  if (rotations < low) return factor;
  if (rotations > high) return 1;
  const smooth = (rotations - low) / (high - low);
  return 1 / ((1 - smooth) / factor + smooth);
}
