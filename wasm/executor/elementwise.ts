/**
 * Elementwise operations: sums, factors and caps (section 5), and the check for NaN.
 */
import { tanhf } from "./tanh_erf";

/** y[i] = y[i] + x[i]. */
export function add(y: usize, x: usize, count: i32): void {
  const end = <usize> count << 2;
  let i: usize = 0;
  for (; i + 16 <= end; i += 16) {
    v128.store(y + i, f32x4.add(v128.load(y + i), v128.load(x + i)));
  }
  for (; i < end; i += 4) store<f32>(y + i, load<f32>(y + i) + load<f32>(x + i));
}

/** x[i] = x[i] * factor. */
export function scale(x: usize, factor: f32, count: i32): void {
  const factors = f32x4.splat(factor);
  const end = <usize> count << 2;
  let i: usize = 0;
  for (; i + 16 <= end; i += 16) v128.store(x + i, f32x4.mul(v128.load(x + i), factors));
  for (; i < end; i += 4) store<f32>(x + i, load<f32>(x + i) * factor);
}

/** cap * tanh(x / cap) per lane. */
// @ts-ignore: decorator

@inline
export function capped(x: v128, cap: v128): v128 {
  return f32x4.mul(cap, tanhf(f32x4.div(x, cap)));
}

/** x[i] = cap * tanh(x[i] / cap). */
export function cap(x: usize, cap: f32, count: i32): void {
  const caps = f32x4.splat(cap);
  const end = <usize> count << 2;
  let i: usize = 0;
  for (; i + 16 <= end; i += 16) v128.store(x + i, capped(v128.load(x + i), caps));
  for (; i < end; i += 4) v128.store32_lane(x + i, capped(v128.load32_zero(x + i), caps), 0);
}

/** 1 when none of `count` values is NaN or infinite. */
export function allFinite(x: usize, count: i32): i32 {
  const infinity = f32x4.splat(f32.POSITIVE_INFINITY);
  let good = i32x4.splat(-1);
  let i: usize = 0;
  const end = <usize> count << 2;
  for (; i + 16 <= end; i += 16) {
    good = v128.and(good, f32x4.lt(f32x4.abs(v128.load(x + i)), infinity));
  }
  for (; i < end; i += 4) {
    if (!(abs<f32>(load<f32>(x + i)) < f32.POSITIVE_INFINITY)) return 0;
  }
  return i32(i32x4.all_true(good));
}
