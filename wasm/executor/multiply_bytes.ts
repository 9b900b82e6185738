/**
 * Rows of Q8_0 and Q4_0 by i8 activations, on the relaxed integer dot (section 3.2).
 *
 * `M` says the mode: u8 unsigned (weights stored as w + 128, sums start at -128 * sum(q)),
 * i8 signed (plain weights), u16 and i16 the same two in plain SIMD for tests, and i32 Q4_0
 * (nibbles fit the 7-bit operand on every engine; sums start at -8 * sum(q)).
 */
import {
  halfMask,
  halfScale,
  META_BYTES,
  nibbleMask,
  Q4_BLOCK_BYTES,
  Q8_BLOCK_BYTES,
} from "./constants";
import { dotEmulated, dotRelaxed } from "./probe";
import { highScales, lowScales, put, share } from "./put";

// @ts-ignore: decorator

@inline
function dot<M>(x: v128, w: v128, sum: v128): v128 {
  if (sizeof<M>() == 2) return dotEmulated<M>(x, w, sum);
  if (ASC_FEATURE_RELAXED_SIMD) return dotRelaxed(x, w, sum);
  return isSigned<M>() ? dotEmulated<i16>(x, w, sum) : dotEmulated<u16>(x, w, sum);
}

// @ts-ignore: decorator

@inline
function start<M>(meta: usize): v128 {
  if (sizeof<M>() == 4) return v128.load32_splat(meta, 8);
  return isSigned<M>() ? i32x4.splat(0) : v128.load32_splat(meta, 4);
}

/** Weights of rows 0-3 at k-step `j` of the block at `p`. */
// @ts-ignore: decorator

@inline
function low<M>(p: usize, j: usize, nibbles: v128): v128 {
  if (sizeof<M>() == 4) return v128.and(v128.load(p + j * 16, 16), nibbles);
  return v128.load(p + j * 32, 16);
}

/** Weights of rows 4-7. */
// @ts-ignore: decorator

@inline
function high<M>(p: usize, j: usize, nibbles: v128): v128 {
  if (sizeof<M>() == 4) return v128.and(i16x8.shr_u(v128.load(p + j * 16, 16), 4), nibbles);
  return v128.load(p + j * 32, 32);
}

export function multiplyBytes<M>(
  y: usize,
  yStride: usize,
  w: usize,
  blocks: i32,
  from: i32,
  to: i32,
  positions: i32,
  add: bool,
  bytes: usize,
  meta: usize,
): void {
  const blockBytes = sizeof<M>() == 4 ? Q4_BLOCK_BYTES : Q8_BLOCK_BYTES;
  const groupBytes = <usize> blocks * blockBytes;
  const columns = <usize> blocks << 5;
  const metaStride = <usize> blocks * META_BYTES;
  let t = 0;
  for (let g = from; g < to; g++) {
    const group = w + <usize> g * groupBytes;
    const out = y + (<usize> g << 5);
    for (t = 0; t + 4 <= positions; t += 4) {
      const p = <usize> t;
      fourPositions<M>(
        out + p * yStride,
        yStride,
        group,
        blocks,
        add,
        bytes + p * columns,
        meta + p * metaStride,
      );
    }
  }
  for (; t < positions; t++) {
    const p = <usize> t;
    const xt = bytes + p * columns;
    const mt = meta + p * metaStride;
    const yt = y + p * yStride;
    let g = from;
    for (; g + 2 <= to; g += 2) {
      twoGroups<M>(yt + (<usize> g << 5), w + <usize> g * groupBytes, blocks, add, xt, mt);
    }
    if (g < to) oneGroup<M>(yt + (<usize> g << 5), w + <usize> g * groupBytes, blocks, add, xt, mt);
  }
}

function oneGroup<M>(y: usize, w: usize, blocks: i32, add: bool, x: usize, meta: usize): void {
  const blockBytes = sizeof<M>() == 4 ? Q4_BLOCK_BYTES : Q8_BLOCK_BYTES;
  const mask = i32x4.splat(halfMask), nibbles = i32x4.splat(nibbleMask);
  const scale = f32x4.splat(halfScale());
  let f0 = f32x4.splat(0), f1 = f0;
  for (let b = 0; b < blocks; b++) {
    let a0 = start<M>(meta), a1 = a0;
    for (let j: usize = 0; j < 8; j++) {
      const v = v128.load32_splat(x + j * 4);
      a0 = dot<M>(v, low<M>(w, j, nibbles), a0);
      a1 = dot<M>(v, high<M>(w, j, nibbles), a1);
    }
    const d = v128.load32_splat(meta);
    f0 = share(f0, a0, lowScales(w, mask, scale), d);
    f1 = share(f1, a1, highScales(w, mask, scale), d);
    w += blockBytes;
    x += 32;
    meta += META_BYTES;
  }
  put(y, f0, f1, add);
}

function twoGroups<M>(y: usize, w: usize, blocks: i32, add: bool, x: usize, meta: usize): void {
  const blockBytes = sizeof<M>() == 4 ? Q4_BLOCK_BYTES : Q8_BLOCK_BYTES;
  const mask = i32x4.splat(halfMask), nibbles = i32x4.splat(nibbleMask);
  const scale = f32x4.splat(halfScale());
  let u = w + <usize> blocks * blockBytes;
  let f0 = f32x4.splat(0), f1 = f0, f2 = f0, f3 = f0;
  for (let b = 0; b < blocks; b++) {
    let a0 = start<M>(meta), a1 = a0, a2 = a0, a3 = a0;
    for (let j: usize = 0; j < 8; j++) {
      const v = v128.load32_splat(x + j * 4);
      a0 = dot<M>(v, low<M>(w, j, nibbles), a0);
      a1 = dot<M>(v, high<M>(w, j, nibbles), a1);
      a2 = dot<M>(v, low<M>(u, j, nibbles), a2);
      a3 = dot<M>(v, high<M>(u, j, nibbles), a3);
    }
    const d = v128.load32_splat(meta);
    f0 = share(f0, a0, lowScales(w, mask, scale), d);
    f1 = share(f1, a1, highScales(w, mask, scale), d);
    f2 = share(f2, a2, lowScales(u, mask, scale), d);
    f3 = share(f3, a3, highScales(u, mask, scale), d);
    w += blockBytes;
    u += blockBytes;
    x += 32;
    meta += META_BYTES;
  }
  put(y, f0, f1, add);
  put(y + 32, f2, f3, add);
}

function fourPositions<M>(
  y: usize,
  yStride: usize,
  w: usize,
  blocks: i32,
  add: bool,
  x0: usize,
  m0: usize,
): void {
  const blockBytes = sizeof<M>() == 4 ? Q4_BLOCK_BYTES : Q8_BLOCK_BYTES;
  const mask = i32x4.splat(halfMask), nibbles = i32x4.splat(nibbleMask);
  const scale = f32x4.splat(halfScale());
  const columns = <usize> blocks << 5, metaStride = <usize> blocks * META_BYTES;
  let x1 = x0 + columns, x2 = x1 + columns, x3 = x2 + columns;
  let m1 = m0 + metaStride, m2 = m1 + metaStride, m3 = m2 + metaStride;
  let f00 = f32x4.splat(0), f01 = f00, f10 = f00, f11 = f00;
  let f20 = f00, f21 = f00, f30 = f00, f31 = f00;
  for (let b = 0; b < blocks; b++) {
    let a00 = start<M>(m0), a01 = a00, a10 = start<M>(m1), a11 = a10;
    let a20 = start<M>(m2), a21 = a20, a30 = start<M>(m3), a31 = a30;
    for (let j: usize = 0; j < 8; j++) {
      const l = low<M>(w, j, nibbles), h = high<M>(w, j, nibbles);
      let v = v128.load32_splat(x0 + j * 4);
      a00 = dot<M>(v, l, a00);
      a01 = dot<M>(v, h, a01);
      v = v128.load32_splat(x1 + j * 4);
      a10 = dot<M>(v, l, a10);
      a11 = dot<M>(v, h, a11);
      v = v128.load32_splat(x2 + j * 4);
      a20 = dot<M>(v, l, a20);
      a21 = dot<M>(v, h, a21);
      v = v128.load32_splat(x3 + j * 4);
      a30 = dot<M>(v, l, a30);
      a31 = dot<M>(v, h, a31);
    }
    const s0 = lowScales(w, mask, scale), s1 = highScales(w, mask, scale);
    let d = v128.load32_splat(m0);
    f00 = share(f00, a00, s0, d);
    f01 = share(f01, a01, s1, d);
    d = v128.load32_splat(m1);
    f10 = share(f10, a10, s0, d);
    f11 = share(f11, a11, s1, d);
    d = v128.load32_splat(m2);
    f20 = share(f20, a20, s0, d);
    f21 = share(f21, a21, s1, d);
    d = v128.load32_splat(m3);
    f30 = share(f30, a30, s0, d);
    f31 = share(f31, a31, s1, d);
    w += blockBytes;
    x0 += 32;
    x1 += 32;
    x2 += 32;
    x3 += 32;
    m0 += META_BYTES;
    m1 += META_BYTES;
    m2 += META_BYTES;
    m3 += META_BYTES;
  }
  put(y, f00, f01, add);
  put(y + yStride, f10, f11, add);
  put(y + 2 * yStride, f20, f21, add);
  put(y + 3 * yStride, f30, f31, add);
}
