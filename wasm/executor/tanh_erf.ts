/**
 * `tanhf` and `erff` of sections 4.5 and 4.6, four lanes at a time.
 */
import { expf } from "./expf";

// @ts-ignore: decorator

@inline
function step(p: v128, x: v128, bits: i32): v128 {
  return f32x4.add(f32x4.mul(p, x), f32x4.splat(reinterpret<f32>(bits)));
}

// @ts-ignore: decorator

@inline
function withSign(y: v128, x: v128): v128 {
  return v128.bitselect(x, y, i32x4.splat(i32.MIN_VALUE));
}

/** The hyperbolic tangent per lane. */
// @ts-ignore: decorator

@inline
export function tanhf(x: v128): v128 {
  const one = f32x4.splat(1);
  const a = f32x4.abs(x);
  const z = f32x4.mul(a, a);
  let p = f32x4.splat(reinterpret<f32>(0xbbc7c6f2));
  p = step(p, z, 0x3cac0247);
  p = step(p, z, 0xbd5c92c5);
  p = step(p, z, 0x3e08870e);
  p = step(p, z, 0xbeaaaaa9);
  const near = f32x4.add(a, f32x4.mul(a, f32x4.mul(z, p)));
  const e = expf(f32x4.add(a, a));
  const far = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(e, one)));
  return withSign(v128.bitselect(near, far, f32x4.lt(a, f32x4.splat(0.625))), x);
}

/** The error function per lane. */
// @ts-ignore: decorator

@inline
export function erff(x: v128): v128 {
  const a = f32x4.abs(x);
  const z = f32x4.mul(a, a);
  let p = f32x4.splat(reinterpret<f32>(0x38a52b48));
  p = step(p, z, 0xba522844);
  p = step(p, z, 0x3baa0938);
  p = step(p, z, 0xbcdbfd5d);
  p = step(p, z, 0x3de71688);
  p = step(p, z, 0xbec0939f);
  p = step(p, z, 0x3f906eba);
  const near = f32x4.mul(a, p);
  const t = f32x4.min(a, f32x4.splat(4));
  let q = f32x4.splat(reinterpret<f32>(0x35dbbc18));
  q = step(q, t, 0xb8412e72);
  q = step(q, t, 0x3a1c72f3);
  q = step(q, t, 0xbb9bf663);
  q = step(q, t, 0x3cd87123);
  q = step(q, t, 0xbde171ab);
  q = step(q, t, 0xbf21bf5a);
  q = step(q, t, 0xbf90ab7d);
  q = step(q, t, 0x39a7d834);
  const far = f32x4.sub(f32x4.splat(1), expf(q));
  return withSign(v128.bitselect(near, far, f32x4.lt(a, f32x4.splat(1))), x);
}

/** `tanhf` over `count` (a multiple of 4) values in place, for tests. */
export function tanhfRow(x: usize, count: i32): void {
  for (let i: usize = 0; i < <usize> count << 2; i += 16) {
    v128.store(x + i, tanhf(v128.load(x + i)));
  }
}

/** `erff` over `count` (a multiple of 4) values in place, for tests. */
export function erffRow(x: usize, count: i32): void {
  for (let i: usize = 0; i < <usize> count << 2; i += 16) v128.store(x + i, erff(v128.load(x + i)));
}
