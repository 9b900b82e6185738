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

/**
 * expf(x - most) of 16 values in place: four vectors at a time share the loads of the constants.
 */
export function expfSixteen(at: usize, most: v128): void {
  const x0 = f32x4.sub(v128.load(at), most), x1 = f32x4.sub(v128.load(at, 16), most);
  const x2 = f32x4.sub(v128.load(at, 32), most), x3 = f32x4.sub(v128.load(at, 48), most);
  let c = v128.load32_splat(TABLE + 44);
  let r0 = f32x4.pmin(x0, c), r1 = f32x4.pmin(x1, c);
  let r2 = f32x4.pmin(x2, c), r3 = f32x4.pmin(x3, c);
  const shift = v128.load32_splat(TABLE + 4);
  c = v128.load32_splat(TABLE);
  let n0 = f32x4.add(f32x4.mul(r0, c), shift), n1 = f32x4.add(f32x4.mul(r1, c), shift);
  let n2 = f32x4.add(f32x4.mul(r2, c), shift), n3 = f32x4.add(f32x4.mul(r3, c), shift);
  const one = v128.load32_splat(TABLE + 40);
  const e0 = i32x4.add(i32x4.shl(n0, 23), one), e1 = i32x4.add(i32x4.shl(n1, 23), one);
  const e2 = i32x4.add(i32x4.shl(n2, 23), one), e3 = i32x4.add(i32x4.shl(n3, 23), one);
  n0 = f32x4.sub(n0, shift), n1 = f32x4.sub(n1, shift);
  n2 = f32x4.sub(n2, shift), n3 = f32x4.sub(n3, shift);
  for (let i: usize = 8; i < 16; i += 4) {
    c = v128.load32_splat(TABLE + i);
    r0 = f32x4.sub(r0, f32x4.mul(n0, c)), r1 = f32x4.sub(r1, f32x4.mul(n1, c));
    r2 = f32x4.sub(r2, f32x4.mul(n2, c)), r3 = f32x4.sub(r3, f32x4.mul(n3, c));
  }
  let p0 = v128.load32_splat(TABLE + 16), p1 = p0, p2 = p0, p3 = p0;
  for (let i: usize = 20; i < 44; i += 4) {
    c = v128.load32_splat(TABLE + i);
    p0 = f32x4.add(f32x4.mul(p0, r0), c), p1 = f32x4.add(f32x4.mul(p1, r1), c);
    p2 = f32x4.add(f32x4.mul(p2, r2), c), p3 = f32x4.add(f32x4.mul(p3, r3), c);
  }
  c = v128.load32_splat(TABLE + 48);
  p0 = f32x4.add(f32x4.mul(p0, r0), one), p1 = f32x4.add(f32x4.mul(p1, r1), one);
  p2 = f32x4.add(f32x4.mul(p2, r2), one), p3 = f32x4.add(f32x4.mul(p3, r3), one);
  v128.store(at, v128.andnot(f32x4.mul(p0, e0), f32x4.lt(x0, c)));
  v128.store(at, v128.andnot(f32x4.mul(p1, e1), f32x4.lt(x1, c)), 16);
  v128.store(at, v128.andnot(f32x4.mul(p2, e2), f32x4.lt(x2, c)), 32);
  v128.store(at, v128.andnot(f32x4.mul(p3, e3), f32x4.lt(x3, c)), 48);
}

/** `expf` over `count` (a multiple of 4) values in place, for tests. */
export function expfRow(x: usize, count: i32): void {
  let i: usize = 0;
  const end = <usize> count << 2;
  for (; i + 64 <= end; i += 64) expfSixteen(x + i, f32x4.splat(0));
  for (; i < end; i += 16) v128.store(x + i, expf(v128.load(x + i)));
}
