/**
 * `tanhf` and `erff` of sections 4.5 and 4.6, four lanes at a time; constants come from memory, as
 * those of `expf` do.
 */
import { expf } from "./expf";

/** 1, 2, 0.625, 4 and the sign bit. */
const NUMBERS: usize = memory.data<u32>([
  0x3f800000,
  0x40000000,
  0x3f200000,
  0x40800000,
  0x80000000,
]);
/** Coefficients of tanhf, and of erff near and far. */
const TANH: usize = memory.data<u32>([
  0xbbc7c6f2,
  0x3cac0247,
  0xbd5c92c5,
  0x3e08870e,
  0xbeaaaaa9,
]);
const ERF_NEAR: usize = memory.data<u32>([
  0x38a52b48,
  0xba522844,
  0x3baa0938,
  0xbcdbfd5d,
  0x3de71688,
  0xbec0939f,
  0x3f906eba,
]);
const ERF_FAR: usize = memory.data<u32>([
  0x35dbbc18,
  0xb8412e72,
  0x3a1c72f3,
  0xbb9bf663,
  0x3cd87123,
  0xbde171ab,
  0xbf21bf5a,
  0xbf90ab7d,
  0x39a7d834,
]);

// @ts-ignore: decorator

@inline
function step(p: v128, x: v128, coefficient: usize): v128 {
  return f32x4.add(f32x4.mul(p, x), v128.load32_splat(coefficient));
}

// @ts-ignore: decorator

@inline
function withSign(y: v128, x: v128): v128 {
  return v128.bitselect(x, y, v128.load32_splat(NUMBERS, 16));
}

/** The hyperbolic tangent per lane. */
// @ts-ignore: decorator

@inline
export function tanhf(x: v128): v128 {
  const one = v128.load32_splat(NUMBERS);
  const a = f32x4.abs(x);
  const z = f32x4.mul(a, a);
  let p = v128.load32_splat(TANH);
  p = step(p, z, TANH + 4);
  p = step(p, z, TANH + 8);
  p = step(p, z, TANH + 12);
  p = step(p, z, TANH + 16);
  const near = f32x4.add(a, f32x4.mul(a, f32x4.mul(z, p)));
  const e = expf(f32x4.add(a, a));
  const far = f32x4.sub(one, f32x4.div(v128.load32_splat(NUMBERS, 4), f32x4.add(e, one)));
  return withSign(v128.bitselect(near, far, f32x4.lt(a, v128.load32_splat(NUMBERS, 8))), x);
}

/** The error function per lane. */
// @ts-ignore: decorator

@inline
export function erff(x: v128): v128 {
  const one = v128.load32_splat(NUMBERS);
  const a = f32x4.abs(x);
  const z = f32x4.mul(a, a);
  let p = v128.load32_splat(ERF_NEAR);
  p = step(p, z, ERF_NEAR + 4);
  p = step(p, z, ERF_NEAR + 8);
  p = step(p, z, ERF_NEAR + 12);
  p = step(p, z, ERF_NEAR + 16);
  p = step(p, z, ERF_NEAR + 20);
  p = step(p, z, ERF_NEAR + 24);
  const near = f32x4.mul(a, p);
  const t = f32x4.pmin(a, v128.load32_splat(NUMBERS, 12));
  let q = v128.load32_splat(ERF_FAR);
  q = step(q, t, ERF_FAR + 4);
  q = step(q, t, ERF_FAR + 8);
  q = step(q, t, ERF_FAR + 12);
  q = step(q, t, ERF_FAR + 16);
  q = step(q, t, ERF_FAR + 20);
  q = step(q, t, ERF_FAR + 24);
  q = step(q, t, ERF_FAR + 28);
  q = step(q, t, ERF_FAR + 32);
  const far = f32x4.sub(one, expf(q));
  return withSign(v128.bitselect(near, far, f32x4.lt(a, one)), x);
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
