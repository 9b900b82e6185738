/**
 * Constants that the kernels share, and kinds of packed matrices (src/engine/_kinds.ts has the same).
 */

/** Bytes of a packed 8-row group per column (F32, F16, BF16) or per block of 32 columns. */
export const F32_COLUMN_BYTES: usize = 32;
export const HALF_COLUMN_BYTES: usize = 16;
/** 8 f16 scales, then 8 k-steps of [4 bytes of rows 0-3][4 bytes of rows 4-7]. */
export const Q8_BLOCK_BYTES: usize = 272;
/** 8 f16 scales, then 8 k-steps of 16 bytes: low nibbles rows 0-3, high nibbles rows 4-7. */
export const Q4_BLOCK_BYTES: usize = 144;

export const KIND_F32: i32 = 0;
export const KIND_F16: i32 = 1;
export const KIND_BF16: i32 = 2;
export const KIND_Q8_NEITHER: i32 = 3;
export const KIND_Q8_UNSIGNED: i32 = 4;
export const KIND_Q8_SIGNED: i32 = 5;
export const KIND_Q8_UNSIGNED_EMULATED: i32 = 6;
export const KIND_Q8_SIGNED_EMULATED: i32 = 7;
export const KIND_Q4_PLAIN: i32 = 8;
export const KIND_Q4_RELAXED: i32 = 9;

/** Bytes of the record of a block of quantised activations: see quantise.ts. */
export const META_BYTES: usize = 16;

/** 64 bytes for the eight partial sums of a norm. */
export const NORM_SCRATCH: usize = 1024;

// A mask written as a constant is rebuilt inside V8's inner loop; from a mutable global it stays
// in a register (docs of the kernels: "opaque constants").
export let halfMask: i32 = 0x8fffffff;
export let nibbleMask: i32 = 0x0f0f0f0f;

/** 2^112, which turns f16 bits placed in an f32 into their value. */
// @ts-ignore: decorator

@inline
export function halfScale(): f32 {
  return reinterpret<f32>(0x77800000);
}
