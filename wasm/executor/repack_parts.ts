/**
 * Parts of a packed block (constants.ts) from the weights of 8 rows.
 *
 * A row's 16 weights (columns 0-15 or 16-31 of a block) are one vector of bytes; transposing four
 * rows' vectors by groups of four bytes gives W[j][R] for four values of j.
 */

/** W[4h + j][R] from the weights of rows 4R to 4R + 3 at columns 16h to 16h + 15. */
// @ts-ignore: decorator

@inline
export function transposed(a: v128, b: v128, c: v128, d: v128, j: i32): v128 {
  if (j == 0 || j == 1) {
    const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    return j == 0 ? v128.shuffle<i64>(ab, cd, 0, 2) : v128.shuffle<i64>(ab, cd, 1, 3);
  }
  const ab = v128.shuffle<i32>(a, b, 2, 6, 3, 7), cd = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  return j == 2 ? v128.shuffle<i64>(ab, cd, 0, 2) : v128.shuffle<i64>(ab, cd, 1, 3);
}

/** Low nibbles of `low`, and those of `high` above them. */
// @ts-ignore: decorator

@inline
export function nibblePair(low: v128, high: v128): v128 {
  const mask = i8x16.splat(15);
  return v128.or(v128.and(low, mask), i16x8.shl(v128.and(high, mask), 4));
}

/** Bit `from` of each weight moved to bit `to`. */
// @ts-ignore: decorator

@inline
export function oneBit(weights: v128, from: i32, to: i32): v128 {
  const bit = v128.and(i16x8.shr_u(weights, from), i8x16.splat(1));
  return i16x8.shl(bit, to);
}

/** Bits `from` and `from` + 1 of each weight moved to bits `to` and `to` + 1. */
// @ts-ignore: decorator

@inline
export function twoBits(weights: v128, from: i32, to: i32): v128 {
  const bits = v128.and(i16x8.shr_u(weights, from), i8x16.splat(3));
  return i16x8.shl(bits, to);
}

/** The low six bits of `weights`, and above them bits `from` and `from` + 1 of `fourth`. */
// @ts-ignore: decorator

@inline
export function sixBits(weights: v128, fourth: v128, from: i32): v128 {
  return v128.or(v128.and(weights, i8x16.splat(63)), twoBits(fourth, from, 6));
}

/** Some bits of each weight, `mask` as the lowest, from bit `from` to bit `to`. */
// @ts-ignore: decorator

@inline
export function someBits(weights: v128, from: i32, mask: i8, to: i32): v128 {
  return i16x8.shl(v128.and(i16x8.shr_u(weights, from), i8x16.splat(mask)), to);
}

/** 16 bits, bit i at i, as bytes of 0 or `value`. */
// @ts-ignore: decorator

@inline
export function spread(bits: i32, value: i8): v128 {
  const both = i16x8.splat(<i16> bits);
  const bytes = v128.shuffle<i8>(both, both, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  const mask = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  return v128.and(i8x16.eq(v128.and(bytes, mask), mask), i8x16.splat(value));
}

/** Whether the f16 is infinite or NaN. */
// @ts-ignore: decorator

@inline
export function notFinite(half: i32): i32 {
  return i32((half & 0x7c00) == 0x7c00);
}
