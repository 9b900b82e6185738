/**
 * `expf` of section 4.1, four lanes at a time.
 */

/** e^x per lane; NaN stays NaN, below -87 is +0, above 88 counts as 88. */
// @ts-ignore: decorator

@inline
export function expf(x: v128): v128 {
  const y = f32x4.min(x, f32x4.splat(88));
  const n = f32x4.nearest(f32x4.mul(y, f32x4.splat(reinterpret<f32>(0x3fb8aa3b))));
  let r = f32x4.sub(y, f32x4.mul(n, f32x4.splat(reinterpret<f32>(0x3f317200))));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(reinterpret<f32>(0x35bfbe8e))));
  let p = f32x4.splat(reinterpret<f32>(0x39500d01));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(reinterpret<f32>(0x3ab60b61)));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(reinterpret<f32>(0x3c088889)));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(reinterpret<f32>(0x3d2aaaab)));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(reinterpret<f32>(0x3e2aaaab)));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.5));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return v128.andnot(f32x4.mul(p, power), f32x4.lt(x, f32x4.splat(-87)));
}

/** `expf` over `count` (a multiple of 4) values in place, for tests. */
export function expfRow(x: usize, count: i32): void {
  for (let i: usize = 0; i < <usize> count << 2; i += 16) v128.store(x + i, expf(v128.load(x + i)));
}
