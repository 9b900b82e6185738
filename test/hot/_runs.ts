/** Runs of a property test (`SKEP_TEST_RUNS` multiplies), and inputs that need no library. */
import process from "node:process";

/** The number of runs for a property that runs `few` times by default. */
export function runs(few: number): { readonly numRuns: number } {
  return { numRuns: few * Number(process.env["SKEP_TEST_RUNS"] ?? "1") };
}

/** Both implementations of every kernel. */
export const KERNELS = ["wasm", "plain"] as const;

/** A small generator of numbers, for large inputs: xorshift32. */
export function numbersFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** `length` bytes that depend on the seed. */
export function bytesFrom(seed: number, length: number): Uint8Array<ArrayBuffer> {
  const next = numbersFrom(seed);
  return Uint8Array.from({ length }, () => next() >>> 13);
}
