/**
 * Ends of the kernels: a block's share of a row's total, and storing 8 rows' totals.
 */
import { halvesToFloats } from "./half";

/** Stores (or adds to what is there) the totals of 8 rows. */
// @ts-ignore: decorator

@inline
export function put(y: usize, a: v128, b: v128, add: bool): void {
  if (add) {
    a = f32x4.add(v128.load(y), a);
    b = f32x4.add(v128.load(y, 16), b);
  }
  v128.store(y, a);
  v128.store(y, b, 16);
}

/** Scales of rows 0-3 of the block at `p`. */
// @ts-ignore: decorator

@inline
export function lowScales(p: usize, mask: v128, scale: v128): v128 {
  return halvesToFloats(v128.load16x4_s(p), mask, scale);
}

/** Scales of rows 4-7 of the block at `p`. */
// @ts-ignore: decorator

@inline
export function highScales(p: usize, mask: v128, scale: v128): v128 {
  return halvesToFloats(v128.load16x4_s(p, 8), mask, scale);
}

/** total + f32(I) * (scale * d), every operation rounded. */
// @ts-ignore: decorator

@inline
export function share(total: v128, integers: v128, scales: v128, d: v128): v128 {
  return f32x4.add(total, f32x4.mul(f32x4.convert_i32x4_s(integers), f32x4.mul(scales, d)));
}
