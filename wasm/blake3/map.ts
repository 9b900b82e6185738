/**
 * Addresses of the BLAKE3 module's own memory. `src/hot/_blake3_map.ts` has the same for its callers.
 *
 *   0x000000  mode      key words (32 B), flags (4 B); the twelve bytes after are unused
 *   0x000030  tree      depth (u32), unused (u32), windows pushed (u64), then from 0x40 the stack:
 *                       a chaining value of 32 B per level, at most 48
 *   0x000680  node      the last compression, not yet done: see tree.ts
 *   0x000700  digest    64 B: a digest, or one block of extended output
 *   0x000740  small     64 B: an input that is no longer
 *   0x000800  workspace see tree.ts
 *   0x002000  table     4,096 inputs of a batch: offset (u32), length (u32)
 *   0x00A000  output    4,096 digests of 32 B, or extended output
 *   0x02A000  window    64 KiB of an input that arrives in pieces
 *   0x03A000  arena     4 MiB of input, and bytes behind it that may be read and are not used
 *   0x440000  end       68 pages of 64 KiB
 */
export const KEY: usize = 0;
export const FLAGS: usize = 0x20;
export const DEPTH: usize = 0x30;
export const PUSHED: usize = 0x38;
export const STACK: usize = 0x40;
export const NODE: usize = 0x680;
export const DIGEST: usize = 0x700;
export const WORKSPACE: usize = 0x800;
export const TABLE: usize = 0x2000;
