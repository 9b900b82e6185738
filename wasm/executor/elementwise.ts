/**
 * Elementwise operations: the feed-forward gate (section 5, step 5) and the check for NaN.
 */
import { expf } from "./expf";

/** g[i] = (g[i] / (1 + expf(-g[i]))) * u[i] in place; `count` is a multiple of 4. */
export function gate(g: usize, u: usize, count: i32): void {
  const one = f32x4.splat(1);
  for (let i: usize = 0; i < <usize> count << 2; i += 16) {
    const value = v128.load(g + i);
    const silu = f32x4.div(value, f32x4.add(one, expf(f32x4.neg(value))));
    v128.store(g + i, f32x4.mul(silu, v128.load(u + i)));
  }
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
