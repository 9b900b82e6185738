/**
 * RMS norm (section 5.1). Lane pairs of four f64x2 sums are p0 p1, p2 p3, p4 p5, p6 p7.
 */
import { NORM_SCRATCH } from "./constants";

/** Norm of `count` values at `x` with weights `w`, written to `y`. */
export function norm(x: usize, w: usize, y: usize, count: i32, epsilon: f32): void {
  const r = f32x4.splat(scaleOf(x, count, epsilon));
  let i: usize = 0;
  const end = <usize> count << 2;
  for (; i + 16 <= end; i += 16) {
    v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), r), v128.load(w + i)));
  }
  const one = f32x4.extract_lane(r, 0);
  for (; i < end; i += 4) store<f32>(y + i, (load<f32>(x + i) * one) * load<f32>(w + i));
}

function scaleOf(x: usize, count: i32, epsilon: f32): f32 {
  let a = f64x2.splat(0);
  let b = a;
  let c = a;
  let d = a;
  const end = x + (<usize> (count & ~7) << 2);
  let p = x;
  for (; p < end; p += 32) {
    const low = v128.load(p);
    const high = v128.load(p, 16);
    const u = f64x2.promote_low_f32x4(low);
    const v = f64x2.promote_low_f32x4(v128.shuffle<i64>(low, low, 1, 0));
    const s = f64x2.promote_low_f32x4(high);
    const t = f64x2.promote_low_f32x4(v128.shuffle<i64>(high, high, 1, 0));
    a = f64x2.add(a, f64x2.mul(u, u));
    b = f64x2.add(b, f64x2.mul(v, v));
    c = f64x2.add(c, f64x2.mul(s, s));
    d = f64x2.add(d, f64x2.mul(t, t));
  }
  v128.store(NORM_SCRATCH, a);
  v128.store(NORM_SCRATCH, b, 16);
  v128.store(NORM_SCRATCH, c, 32);
  v128.store(NORM_SCRATCH, d, 48);
  for (let i = 0; i < (count & 7); i++) {
    const value = <f64> load<f32>(p + (<usize> i << 2));
    const slot = NORM_SCRATCH + (<usize> i << 3);
    store<f64>(slot, load<f64>(slot) + value * value);
  }
  a = f64x2.add(v128.load(NORM_SCRATCH), v128.load(NORM_SCRATCH, 32));
  b = f64x2.add(v128.load(NORM_SCRATCH, 16), v128.load(NORM_SCRATCH, 48));
  a = f64x2.add(a, b);
  const sum = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
  return <f32> (1.0 / sqrt<f64>(sum / <f64> count + <f64> epsilon));
}
