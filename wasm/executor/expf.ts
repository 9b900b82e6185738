/**
 * `expf` of section 4.1, four lanes at a time.
 *
 * Constants come from memory: V8 builds a constant vector anew in every turn of a loop, by three
 * instructions, and loads one by one. `nearest` is the sum with 1.5 * 2^23, whose low bits are then
 * the integer itself; the range in which that holds is the one that is not cut off.
 */

/** log2(e), 1.5 * 2^23, ln 2 high and low, 1/7! to 1/0!, 88, -87. */
const TABLE: usize = memory.data<u32>([
  0x3fb8aa3b,
  0x4b400000,
  0x3f317200,
  0x35bfbe8e,
  0x39500d01,
  0x3ab60b61,
  0x3c088889,
  0x3d2aaaab,
  0x3e2aaaab,
  0x3f000000,
  0x3f800000,
  0x42b00000,
  0xc2ae0000,
]);

// @ts-ignore: decorator

@inline
function step(p: v128, r: v128, at: usize): v128 {
  return f32x4.add(f32x4.mul(p, r), v128.load32_splat(TABLE + at));
}

/** e^x per lane; NaN stays NaN, below -87 is +0, above 88 counts as 88. */
// @ts-ignore: decorator

@inline
export function expf(x: v128): v128 {
  const y = f32x4.pmin(x, v128.load32_splat(TABLE + 44));
  const shift = v128.load32_splat(TABLE + 4);
  const shifted = f32x4.add(f32x4.mul(y, v128.load32_splat(TABLE)), shift);
  const n = f32x4.sub(shifted, shift);
  let r = f32x4.sub(y, f32x4.mul(n, v128.load32_splat(TABLE + 8)));
  r = f32x4.sub(r, f32x4.mul(n, v128.load32_splat(TABLE + 12)));
  let p = v128.load32_splat(TABLE + 16);
  p = step(p, r, 20);
  p = step(p, r, 24);
  p = step(p, r, 28);
  p = step(p, r, 32);
  p = step(p, r, 36);
  const one = v128.load32_splat(TABLE + 40);
  p = f32x4.add(f32x4.mul(p, r), one);
  p = f32x4.add(f32x4.mul(p, r), one);
  const power = i32x4.add(i32x4.shl(shifted, 23), one);
  return v128.andnot(f32x4.mul(p, power), f32x4.lt(x, v128.load32_splat(TABLE + 48)));
}

/** `expf` over `count` (a multiple of 4) values in place, for tests. */
export function expfRow(x: usize, count: i32): void {
  for (let i: usize = 0; i < <usize> count << 2; i += 16) v128.store(x + i, expf(v128.load(x + i)));
}
