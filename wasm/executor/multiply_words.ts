/**
 * Rows of Q8_0 and Q4_0 by i16 activations, in plain SIMD (section 3.2).
 *
 * The kernel for engines whose relaxed dot is neither signed nor unsigned, and for engines that
 * have none. `F` says the format: i8 is Q8_0, u8 is Q4_0. A product sums pairs of columns: lanes of
 * an accumulator are [row 0 even, row 0 odd, row 1 even, row 1 odd] until the block's end.
 */
import {
  halfMask,
  halfScale,
  META_BYTES,
  nibbleMask,
  Q4_BLOCK_BYTES,
  Q8_BLOCK_BYTES,
} from "./constants";
import { addPairs } from "./probe";
import { highScales, lowScales, put, share } from "./put";

// @ts-ignore: decorator

@inline
function madd(sum: v128, x: v128, w: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(x, w));
}

/** Weights of rows 2 * `pair` and 2 * `pair` + 1 at k-step `j`, as i16. */
// @ts-ignore: decorator

@inline
function rows<F>(p: usize, j: usize, pair: i32, nibbles: v128): v128 {
  if (isSigned<F>()) return v128.load8x8_s(p + j * 32 + (<usize> pair << 3), 16);
  const both = v128.load(p + j * 16, 16);
  const bytes = v128.and(pair < 2 ? both : i16x8.shr_u(both, 4), nibbles);
  return pair & 1 ? i16x8.extend_high_i8x16_u(bytes) : i16x8.extend_low_i8x16_u(bytes);
}

/** The block's integers of four rows; Q4_0 takes out the offset of its nibbles. */
// @ts-ignore: decorator

@inline
function integers<F>(a: v128, b: v128, meta: usize): v128 {
  const sum = addPairs(a, b);
  return isSigned<F>() ? sum : i32x4.add(sum, v128.load32_splat(meta, 8));
}

export function multiplyWords<F>(
  y: usize,
  yStride: usize,
  w: usize,
  blocks: i32,
  from: i32,
  to: i32,
  positions: i32,
  add: bool,
  words: usize,
  meta: usize,
): void {
  const groupBytes = <usize> blocks * (isSigned<F>() ? Q8_BLOCK_BYTES : Q4_BLOCK_BYTES);
  const wordStride = <usize> blocks << 6;
  const metaStride = <usize> blocks * META_BYTES;
  for (let g = from; g < to; g++) {
    const group = w + <usize> g * groupBytes;
    let out = y + (<usize> g << 5);
    let x = words;
    let m = meta;
    let t = 0;
    for (; t + 2 <= positions; t += 2) {
      twoPositions<F>(out, yStride, group, blocks, add, x, m);
      out += yStride << 1;
      x += wordStride << 1;
      m += metaStride << 1;
    }
    if (t < positions) onePosition<F>(out, group, blocks, add, x, m);
  }
}

function onePosition<F>(y: usize, w: usize, blocks: i32, add: bool, x: usize, meta: usize): void {
  const blockBytes = isSigned<F>() ? Q8_BLOCK_BYTES : Q4_BLOCK_BYTES;
  const mask = i32x4.splat(halfMask), nibbles = i32x4.splat(nibbleMask);
  const scale = f32x4.splat(halfScale());
  let f0 = f32x4.splat(0), f1 = f0;
  for (let b = 0; b < blocks; b++) {
    let a0 = i32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
    for (let j: usize = 0; j < 8; j++) {
      const v = v128.load64_splat(x + j * 8);
      a0 = madd(a0, v, rows<F>(w, j, 0, nibbles));
      a1 = madd(a1, v, rows<F>(w, j, 1, nibbles));
      a2 = madd(a2, v, rows<F>(w, j, 2, nibbles));
      a3 = madd(a3, v, rows<F>(w, j, 3, nibbles));
    }
    const d = v128.load32_splat(meta);
    f0 = share(f0, integers<F>(a0, a1, meta), lowScales(w, mask, scale), d);
    f1 = share(f1, integers<F>(a2, a3, meta), highScales(w, mask, scale), d);
    w += blockBytes;
    x += 64;
    meta += META_BYTES;
  }
  put(y, f0, f1, add);
}

function twoPositions<F>(
  y: usize,
  yStride: usize,
  w: usize,
  blocks: i32,
  add: bool,
  x: usize,
  meta: usize,
): void {
  const blockBytes = isSigned<F>() ? Q8_BLOCK_BYTES : Q4_BLOCK_BYTES;
  const mask = i32x4.splat(halfMask), nibbles = i32x4.splat(nibbleMask);
  const scale = f32x4.splat(halfScale());
  let x1 = x + (<usize> blocks << 6), meta1 = meta + <usize> blocks * META_BYTES;
  let f0 = f32x4.splat(0), f1 = f0, g0 = f0, g1 = f0;
  for (let b = 0; b < blocks; b++) {
    let a0 = i32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    for (let j: usize = 0; j < 8; j++) {
      const v = v128.load64_splat(x + j * 8), u = v128.load64_splat(x1 + j * 8);
      let r = rows<F>(w, j, 0, nibbles);
      a0 = madd(a0, v, r);
      b0 = madd(b0, u, r);
      r = rows<F>(w, j, 1, nibbles);
      a1 = madd(a1, v, r);
      b1 = madd(b1, u, r);
      r = rows<F>(w, j, 2, nibbles);
      a2 = madd(a2, v, r);
      b2 = madd(b2, u, r);
      r = rows<F>(w, j, 3, nibbles);
      a3 = madd(a3, v, r);
      b3 = madd(b3, u, r);
    }
    const s0 = lowScales(w, mask, scale), s1 = highScales(w, mask, scale);
    let d = v128.load32_splat(meta);
    f0 = share(f0, integers<F>(a0, a1, meta), s0, d);
    f1 = share(f1, integers<F>(a2, a3, meta), s1, d);
    d = v128.load32_splat(meta1);
    g0 = share(g0, integers<F>(b0, b1, meta1), s0, d);
    g1 = share(g1, integers<F>(b2, b3, meta1), s1, d);
    w += blockBytes;
    x += 64;
    x1 += 64;
    meta += META_BYTES;
    meta1 += META_BYTES;
  }
  put(y, f0, f1, add);
  put(y + yStride, g0, g1, add);
}
