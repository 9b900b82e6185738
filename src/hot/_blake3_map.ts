/**
 * Addresses in the BLAKE3 kernel's memory, as drawn in `wasm/blake3/map.ts`, and the face that the
 * WebAssembly kernel and its TypeScript twin share.
 */

/** Key words, 32 B. */
export const KEY = 0;
/** Flags of the mode, 4 B. */
export const FLAGS = 0x20;
/** First byte of the tree's state: depth, windows pushed, stack. */
export const TREE = 0x30;
/** Depth of the stack, 4 B. */
export const DEPTH = 0x30;
/** Windows pushed, 8 B. */
export const PUSHED = 0x38;
/** The stack: 48 values of 32 B. */
export const STACK = 0x40;
/** The root's node; the tree's state ends here. */
export const NODE = 0x680;
/** A digest, or one block of extended output, 64 B. */
export const DIGEST = 0x700;
/** An input of at most 64 B. */
export const SMALL = 0x740;
/** Inputs of a batch: offset and length, 8 B each. */
export const TABLE = 0x2000;
/** Inputs of a batch at most. */
export const BATCH_INPUTS_MAX = 4096;
/** Digests of a batch, or extended output. */
export const OUTPUT = 0xa000;
/** Bytes of extended output at most per call. */
export const OUTPUT_BYTES = 0x20000;
/** The window of an input that arrives in pieces. */
export const WINDOW = 0x2a000;
/** Bytes of a window: a full subtree of 64 chunks. */
export const WINDOW_BYTES = 0x10000;
/** Input of one call. */
export const ARENA = 0x3a000;
/** Bytes of the arena. */
export const ARENA_BYTES = 0x400000;
/** Bytes of the whole memory. */
export const MEMORY_BYTES = 0x440000;

/** What the WebAssembly module exports; documented at `wasm/blake3/index.ts`. Checks nothing. */
export interface Blake3Kernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  begin(): void;
  push(p: number): void;
  finish(p: number, length: number): void;
  digest(p: number, length: number): void;
  squeeze(low: number, high: number, blocks: number, out: number): void;
  batch(base: number, count: number, out: number): void;
  groups(p: number, length: number, low: number, high: number, out: number): void;
  parent(p: number, out: number): void;
  parentRoot(p: number): void;
}
