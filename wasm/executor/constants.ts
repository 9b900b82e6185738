/**
 * Constants that the kernels share, and kinds of packed matrices (src/engine/_kinds.ts has the same).
 *
 * How a group of 8 rows lies in memory. Plain types: column after column, 8 values each. Formats of
 * integers: blocks of 32 columns, one after the other; K-quants have a head before each 8 blocks
 * (256 columns). "8 x" is one for each row. `W[j][R]` is the vector of the weights of rows 4R to
 * 4R + 3 at columns 4j to 4j + 3 of the block: `[4 bytes of row 4R] ... [4 bytes of row 4R + 3]`.
 *
 *     bytes    256: W[j][R] at 32j + 16R; of kind 3 see wasm/gen/formats/format.ts
 *     nibbles  128: at 16j, low nibbles of W[j][0] low, those of W[j][1] high
 *     ones      32: one bit of each weight: vector j >> 2 has that of W[j][R] as bit (2j + R) & 7
 *     twos      64: two bits of each weight: vector j >> 1 has them from bit 2 * ((2j + R) & 3)
 *     fives    160, sixes 192: five and six bits of each, packed as wasm/gen/products.ts says
 *
 *     Q8_0     8 x f16 scale | bytes                                         272
 *     Q4_0     8 x f16 scale | nibbles                                       144
 *     IQ4_NL   8 x f16 scale | nibbles (indices of the table)                144
 *     Q4_1     8 x f16 scale | 8 x f16 m | nibbles                           160
 *     Q5_0     8 x f16 scale | fives                                         176
 *     Q5_1     8 x f16 scale | 8 x f16 m | fives                             192
 *     Q4_K     8 x f16 d | 8 x f16 -dmin | 8 of: 8 x u8 sc | 8 x u8 m | nibbles          32 + 8 * 144
 *     Q5_K     8 x f16 d | 8 x f16 -dmin | 8 of: 8 x u8 sc | 8 x u8 m | fives            32 + 8 * 176
 *     Q2_K     8 x f16 d | 8 x f16 -dmin | 8 of: 8 x s0 | 8 x s1 | twos                  32 + 8 * 80
 *     Q3_K     8 x f16 d | 8 of: 8 x i8 s0 | 8 x i8 s1 | twos | ones                     16 + 8 * 112
 *     Q6_K     8 x f16 d | 8 of: 8 x i8 s0 | 8 x i8 s1 | sixes                           16 + 8 * 208
 *
 * s0 is for columns 0-15 of the block, s1 for 16-31; Q2_K's hold sc in the low, m in the high nibble.
 */

/** Bytes of a packed 8-row group per column (F32, F16, BF16) or per block of 32 columns. */
export const F32_COLUMN_BYTES: usize = 32;
export const HALF_COLUMN_BYTES: usize = 16;
export const Q8_BLOCK_BYTES: usize = 272;
export const Q4_BLOCK_BYTES: usize = 144;
export const Q41_BLOCK_BYTES: usize = 160;
export const Q50_BLOCK_BYTES: usize = 176;
export const Q51_BLOCK_BYTES: usize = 192;
/** Blocks of 32 columns of K-quants, and the head before each 8 of them. */
export const Q4K_BLOCK_BYTES: usize = 144;
export const Q5K_BLOCK_BYTES: usize = 176;
export const Q2K_BLOCK_BYTES: usize = 80;
export const Q3K_BLOCK_BYTES: usize = 112;
export const Q6K_BLOCK_BYTES: usize = 208;
export const MINIMUM_HEAD_BYTES: usize = 32;
export const SCALE_HEAD_BYTES: usize = 16;

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
export const KIND_Q41_PLAIN: i32 = 10;
export const KIND_Q41_RELAXED: i32 = 11;
export const KIND_Q50_PLAIN: i32 = 12;
export const KIND_Q50_RELAXED: i32 = 13;
export const KIND_Q51_PLAIN: i32 = 14;
export const KIND_Q51_RELAXED: i32 = 15;
export const KIND_Q2K_PLAIN: i32 = 16;
export const KIND_Q2K_RELAXED: i32 = 17;
export const KIND_Q3K_PLAIN: i32 = 18;
export const KIND_Q3K_RELAXED: i32 = 19;
export const KIND_Q4K_PLAIN: i32 = 20;
export const KIND_Q4K_RELAXED: i32 = 21;
export const KIND_Q5K_PLAIN: i32 = 22;
export const KIND_Q5K_RELAXED: i32 = 23;
export const KIND_Q6K_PLAIN: i32 = 24;
export const KIND_Q6K_RELAXED: i32 = 25;
export const KIND_IQ4_NEITHER: i32 = 26;
export const KIND_IQ4_UNSIGNED: i32 = 27;
export const KIND_IQ4_SIGNED: i32 = 28;
export const KIND_IQ4_UNSIGNED_EMULATED: i32 = 29;
export const KIND_IQ4_SIGNED_EMULATED: i32 = 30;

/** Bytes of the record of a block of quantised activations: see quantise.ts. */
export const META_BYTES: usize = 16;

// A mask written as a constant is rebuilt inside V8's inner loop; from a mutable global it stays
// in a register. Something must be able to change the global, or the optimiser takes it for a
// constant after all.
export let halfMask: i32 = 0x8fffffff;

/** No host calls it; see above. */
export function changeHalfMask(bits: i32): void {
  halfMask ^= bits;
}

/** 2^112, which turns f16 bits placed in an f32 into their value. */
// @ts-ignore: decorator

@inline
export function halfScale(): f32 {
  return reinterpret<f32>(0x77800000);
}

/** IQ4_NL: the weight of an index, as signed bytes. */
// @ts-ignore: decorator

@inline
export function iq4Table(): v128 {
  return i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
}
