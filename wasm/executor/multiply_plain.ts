/**
 * Rows of F32, F16 and BF16 by f32 activations (section 3.1).
 *
 * `W` says the type: f32 is F32, i16 is F16, u16 is BF16. Prefill passes four positions over a
 * group; decode passes one position over four groups, so that eight sums are in flight either way.
 */
import { F32_COLUMN_BYTES, HALF_COLUMN_BYTES, halfMask, halfScale } from "./constants";
import { halvesToFloats } from "./half";
import { put } from "./put";

// @ts-ignore: decorator

@inline
function low<W>(p: usize, mask: v128): v128 {
  if (isFloat<W>()) return v128.load(p);
  if (isSigned<W>()) return halvesToFloats(v128.load16x4_s(p), mask, f32x4.splat(halfScale()));
  return i32x4.shl(v128.load16x4_u(p), 16);
}

// @ts-ignore: decorator

@inline
function high<W>(p: usize, mask: v128): v128 {
  if (isFloat<W>()) return v128.load(p, 16);
  if (isSigned<W>()) return halvesToFloats(v128.load16x4_s(p, 8), mask, f32x4.splat(halfScale()));
  return i32x4.shl(v128.load16x4_u(p, 8), 16);
}

// @ts-ignore: decorator

@inline
function madd(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

export function multiplyPlain<W>(
  y: usize,
  yStride: usize,
  w: usize,
  columns: i32,
  from: i32,
  to: i32,
  positions: i32,
  add: bool,
  x: usize,
  xStride: usize,
): void {
  const groupBytes = <usize> columns * (isFloat<W>() ? F32_COLUMN_BYTES : HALF_COLUMN_BYTES);
  let t = 0;
  for (let g = from; g < to; g++) {
    const group = w + <usize> g * groupBytes;
    const out = y + (<usize> g << 5);
    for (t = 0; t + 4 <= positions; t += 4) {
      const p = <usize> t;
      fourPositions<W>(out + p * yStride, yStride, group, columns, add, x + p * xStride, xStride);
    }
  }
  for (; t < positions; t++) {
    const xt = x + <usize> t * xStride;
    const yt = y + <usize> t * yStride;
    let g = from;
    for (; g + 4 <= to; g += 4) {
      fourGroups<W>(
        yt + (<usize> g << 5),
        w + <usize> g * groupBytes,
        groupBytes,
        columns,
        add,
        xt,
      );
    }
    for (; g < to; g++) {
      oneGroup<W>(yt + (<usize> g << 5), w + <usize> g * groupBytes, columns, add, xt);
    }
  }
}

function oneGroup<W>(y: usize, w: usize, columns: i32, add: bool, x: usize): void {
  const mask = i32x4.splat(halfMask);
  const columnBytes = isFloat<W>() ? F32_COLUMN_BYTES : HALF_COLUMN_BYTES;
  let a = f32x4.splat(0), b = a;
  for (let block = 0; block < columns; block += 32) {
    const end = x + (<usize> min(32, columns - block) << 2);
    let p = f32x4.splat(0), q = p;
    for (; x < end; x += 4) {
      const v = v128.load32_splat(x);
      p = madd(p, v, low<W>(w, mask));
      q = madd(q, v, high<W>(w, mask));
      w += columnBytes;
    }
    a = f32x4.add(a, p);
    b = f32x4.add(b, q);
  }
  put(y, a, b, add);
}

function fourGroups<W>(
  y: usize,
  w: usize,
  groupBytes: usize,
  columns: i32,
  add: bool,
  x: usize,
): void {
  const mask = i32x4.splat(halfMask);
  const columnBytes = isFloat<W>() ? F32_COLUMN_BYTES : HALF_COLUMN_BYTES;
  let w1 = w + groupBytes, w2 = w1 + groupBytes, w3 = w2 + groupBytes;
  let a0 = f32x4.splat(0), b0 = a0, a1 = a0, b1 = a0, a2 = a0, b2 = a0, a3 = a0, b3 = a0;
  for (let block = 0; block < columns; block += 32) {
    const end = x + (<usize> min(32, columns - block) << 2);
    let p0 = f32x4.splat(0), q0 = p0, p1 = p0, q1 = p0, p2 = p0, q2 = p0, p3 = p0, q3 = p0;
    for (; x < end; x += 4) {
      const v = v128.load32_splat(x);
      p0 = madd(p0, v, low<W>(w, mask));
      q0 = madd(q0, v, high<W>(w, mask));
      p1 = madd(p1, v, low<W>(w1, mask));
      q1 = madd(q1, v, high<W>(w1, mask));
      p2 = madd(p2, v, low<W>(w2, mask));
      q2 = madd(q2, v, high<W>(w2, mask));
      p3 = madd(p3, v, low<W>(w3, mask));
      q3 = madd(q3, v, high<W>(w3, mask));
      w += columnBytes;
      w1 += columnBytes;
      w2 += columnBytes;
      w3 += columnBytes;
    }
    a0 = f32x4.add(a0, p0);
    b0 = f32x4.add(b0, q0);
    a1 = f32x4.add(a1, p1);
    b1 = f32x4.add(b1, q1);
    a2 = f32x4.add(a2, p2);
    b2 = f32x4.add(b2, q2);
    a3 = f32x4.add(a3, p3);
    b3 = f32x4.add(b3, q3);
  }
  put(y, a0, b0, add);
  put(y + 32, a1, b1, add);
  put(y + 64, a2, b2, add);
  put(y + 96, a3, b3, add);
}

function fourPositions<W>(
  y: usize,
  yStride: usize,
  w: usize,
  columns: i32,
  add: bool,
  x: usize,
  xStride: usize,
): void {
  const mask = i32x4.splat(halfMask);
  const columnBytes = isFloat<W>() ? F32_COLUMN_BYTES : HALF_COLUMN_BYTES;
  let x1 = x + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
  let a0 = f32x4.splat(0), b0 = a0, a1 = a0, b1 = a0, a2 = a0, b2 = a0, a3 = a0, b3 = a0;
  for (let block = 0; block < columns; block += 32) {
    const end = x + (<usize> min(32, columns - block) << 2);
    let p0 = f32x4.splat(0), q0 = p0, p1 = p0, q1 = p0, p2 = p0, q2 = p0, p3 = p0, q3 = p0;
    for (; x < end; x += 4) {
      const l = low<W>(w, mask);
      const h = high<W>(w, mask);
      let v = v128.load32_splat(x);
      p0 = madd(p0, v, l);
      q0 = madd(q0, v, h);
      v = v128.load32_splat(x1);
      p1 = madd(p1, v, l);
      q1 = madd(q1, v, h);
      v = v128.load32_splat(x2);
      p2 = madd(p2, v, l);
      q2 = madd(q2, v, h);
      v = v128.load32_splat(x3);
      p3 = madd(p3, v, l);
      q3 = madd(q3, v, h);
      w += columnBytes;
      x1 += 4;
      x2 += 4;
      x3 += 4;
    }
    a0 = f32x4.add(a0, p0);
    b0 = f32x4.add(b0, q0);
    a1 = f32x4.add(a1, p1);
    b1 = f32x4.add(b1, q1);
    a2 = f32x4.add(a2, p2);
    b2 = f32x4.add(b2, q2);
    a3 = f32x4.add(a3, p3);
    b3 = f32x4.add(b3, q3);
  }
  put(y, a0, b0, add);
  put(y + yStride, a1, b1, add);
  put(y + 2 * yStride, a2, b2, add);
  put(y + 3 * yStride, a3, b3, add);
}
