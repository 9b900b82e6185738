/**
 * Addresses in the scoring kernel's memory, as drawn in `wasm/scoring/index.ts`, and the face that
 * the WebAssembly kernel and its TypeScript twin share.
 */

/** Eight weights, f32. */
export const WEIGHTS = 0;
/** The memory needed, then its inverse, f32. */
export const NEED = 32;
/** Scores of the best, f32. */
export const SCORES = 0x100;
/** Indexes of the best, u32. */
export const INDEXES = 0x1100;
/** The best at most. */
export const BEST_MAX = 1024;
/** A bit per candidate. */
export const EXCLUDED = 0x4000;
/** Eight columns of f32. */
export const COLUMNS = 0x10000;
/** Bytes from one column to the next. */
export const COLUMN_BYTES = 0x80240;
/** Candidates at most. */
export const CANDIDATES_MAX = 131_072;
/** Bytes of the whole memory. */
export const MEMORY_BYTES = 0x420000;

/** What the WebAssembly module exports; documented there. Checks nothing. */
export interface ScoringKernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  best(count: number, most: number): number;
}
