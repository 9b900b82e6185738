/**
 * The weights of a file's block as bytes: 16 columns at a time, before any offset is taken out.
 *
 * Layouts are those of ggml-common.h; docs/NUMERIC_CLASS.md section 2 says them in words. `format`
 * is one of a format's kinds and always a constant, so that what is inlined is one branch.
 */
import {
  KIND_IQ4_NEITHER,
  KIND_Q2K_PLAIN,
  KIND_Q3K_PLAIN,
  KIND_Q41_PLAIN,
  KIND_Q4_PLAIN,
  KIND_Q4K_PLAIN,
  KIND_Q50_PLAIN,
  KIND_Q51_PLAIN,
  KIND_Q5K_PLAIN,
  KIND_Q6K_PLAIN,
} from "./constants";
import { spread } from "./repack_parts";

/** Columns 16h to 16h + 15 of the file's block of 32 columns at `p`. */
// @ts-ignore: decorator

@inline
export function weights(format: i32, p: usize, h: i32): v128 {
  if (format == KIND_Q4_PLAIN || format == KIND_IQ4_NEITHER) return nibbles(p + 2, h);
  if (format == KIND_Q41_PLAIN) return nibbles(p + 4, h);
  if (format == KIND_Q50_PLAIN) {
    return v128.or(nibbles(p + 6, h), spread(<i32> load<u16>(p + 2 + (<usize> h << 1)), 16));
  }
  if (format == KIND_Q51_PLAIN) {
    return v128.or(nibbles(p + 8, h), spread(<i32> load<u16>(p + 4 + (<usize> h << 1)), 16));
  }
  return v128.load(p + 2 + (<usize> h << 4)); // Q8_0
}

/** Columns 32s + 16h to 32s + 16h + 15 of the file's block of 256 columns at `p`. */
// @ts-ignore: decorator

@inline
export function weightsOf256(format: i32, p: usize, s: i32, h: i32): v128 {
  const half = <usize> h << 4;
  if (format == KIND_Q4K_PLAIN) return nibbles(p + 16 + (<usize> (s >> 1) << 5) + half, s & 1);
  if (format == KIND_Q5K_PLAIN) {
    const low = nibbles(p + 48 + (<usize> (s >> 1) << 5) + half, s & 1);
    return v128.or(low, i16x8.shl(bits(p + 16 + half, s, 1), 4));
  }
  if (format == KIND_Q6K_PLAIN) {
    const n = <usize> (s >> 2), k = s & 3;
    const low = nibbles(p + (n << 6) + (<usize> (k & 1) << 5) + half, k >> 1);
    return v128.or(low, i16x8.shl(bits(p + 128 + (n << 5) + half, k << 1, 3), 4));
  }
  if (format == KIND_Q2K_PLAIN) {
    return bits(p + 16 + (<usize> (s >> 2) << 5) + half, (s & 3) << 1, 3);
  }
  // Q3_K
  const low = bits(p + 32 + (<usize> (s >> 2) << 5) + half, (s & 3) << 1, 3);
  return v128.or(low, i16x8.shl(bits(p + half, s, 1), 2));
}

/** The sub-scale byte of columns 32s + 16h ...: see constants.ts for what each format keeps. */
// @ts-ignore: decorator

@inline
export function subScale(format: i32, p: usize, s: i32, h: i32): i32 {
  if (format == KIND_Q4K_PLAIN || format == KIND_Q5K_PLAIN) return scaleOrMinimum(p + 4, s, h);
  if (format == KIND_Q6K_PLAIN) return <i32> load<u8>(p + 192 + <usize> (s * 2 + h));
  if (format == KIND_Q2K_PLAIN) return <i32> load<u8>(p + <usize> (s * 2 + h));
  // Q3_K: 16 of 6 bits in 12 bytes at 96: low nibbles first, then their upper two bits.
  const i = s * 2 + h;
  const low = (<i32> load<u8>(p + 96 + <usize> (i & 7)) >> ((i >> 3) << 2)) & 15;
  const high = (<i32> load<u8>(p + 104 + <usize> (i & 3)) >> ((i >> 2) << 1)) & 3;
  return (low | (high << 4)) - 32;
}

/** Q4_K and Q5_K: the 6-bit scale (`h` = 0) or minimum (`h` = 1) of sub-block `s`. */
// @ts-ignore: decorator

@inline
function scaleOrMinimum(q: usize, s: i32, h: i32): i32 {
  const at = q + <usize> (h << 2);
  if (s < 4) return <i32> load<u8>(at + <usize> s) & 63;
  const low = (<i32> load<u8>(q + <usize> (s + 4)) >> (h << 2)) & 15;
  return low | ((<i32> load<u8>(at + <usize> (s - 4)) >> 6) << 4);
}

/** 16 nibbles: low ones (`high` = 0) or high ones. */
// @ts-ignore: decorator

@inline
function nibbles(p: usize, high: i32): v128 {
  return v128.and(i16x8.shr_u(v128.load(p), high << 2), i8x16.splat(15));
}

/** 16 fields of bits from bit `from` of each byte. */
// @ts-ignore: decorator

@inline
function bits(p: usize, from: i32, mask: i8): v128 {
  return v128.and(i16x8.shr_u(v128.load(p), from), i8x16.splat(mask));
}
