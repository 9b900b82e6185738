/**
 * Activations to integers, once per block of 32 columns (section 3.2).
 *
 * Writes the integers twice, as i8 (for the relaxed dot) and as i16 (for the plain one), and a
 * record per block: {f32 d, i32 -128 * sum, i32 -8 * sum, i16 sum of columns 0-15, i16 sum of columns
 * 16-31}; the sums take out the offsets of weights stored as w + 128 or w + 8, and weigh the minima
 * of formats that have them.
 */
import { META_BYTES } from "./constants";

// @ts-ignore: decorator

@inline
function rounded(p: usize, e: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(p), e)));
}

/** The sum of eight i16 lanes. */
// @ts-ignore: decorator

@inline
function laneSum(lanes: v128): i32 {
  const s = i32x4.extadd_pairwise_i16x8_s(lanes);
  return (i32x4.extract_lane(s, 0) + i32x4.extract_lane(s, 1)) +
    (i32x4.extract_lane(s, 2) + i32x4.extract_lane(s, 3));
}

/** Quantises one row of `columns` (a multiple of 32) values at `x`. */
export function quantise(x: usize, bytes: usize, words: usize, meta: usize, columns: i32): void {
  for (let i = 0; i < columns; i += 32) {
    quantiseBlock(x, bytes, words, meta);
    x += 128;
    bytes += 32;
    words += 64;
    meta += META_BYTES;
  }
}

// @ts-ignore: decorator

@inline
function quantiseBlock(x: usize, bytes: usize, words: usize, meta: usize): void {
  let m = f32x4.abs(v128.load(x));
  for (let i: usize = 16; i < 128; i += 16) m = f32x4.max(m, f32x4.abs(v128.load(x + i)));
  const amax = max<f32>(
    max<f32>(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)),
    max<f32>(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  );
  let d: f32 = 0;
  let e: f32 = 0;
  const least = reinterpret<f32>(0x0d800000);
  if (amax >= least && amax < f32.POSITIVE_INFINITY) {
    d = amax / 127.0;
    e = 127.0 / amax;
  } else if (!(amax < least)) {
    d = f32.NaN;
  }
  // With a NaN `d` the integers do not matter; NaN * 0 truncates to 0.
  const factor = f32x4.splat(e);
  const a = i16x8.narrow_i32x4_s(rounded(x, factor), rounded(x + 16, factor));
  const b = i16x8.narrow_i32x4_s(rounded(x + 32, factor), rounded(x + 48, factor));
  const c = i16x8.narrow_i32x4_s(rounded(x + 64, factor), rounded(x + 80, factor));
  const f = i16x8.narrow_i32x4_s(rounded(x + 96, factor), rounded(x + 112, factor));
  v128.store(words, a);
  v128.store(words, b, 16);
  v128.store(words, c, 32);
  v128.store(words, f, 48);
  v128.store(bytes, i8x16.narrow_i16x8_s(a, b));
  v128.store(bytes, i8x16.narrow_i16x8_s(c, f), 16);
  const low = laneSum(i16x8.add(a, b)), high = laneSum(i16x8.add(c, f)), sum = low + high;
  store<f32>(meta, d);
  store<i32>(meta, sum * -128, 4);
  store<i32>(meta, sum * -8, 8);
  store<i16>(meta, <i16> low, 12);
  store<i16>(meta, <i16> high, 14);
}
