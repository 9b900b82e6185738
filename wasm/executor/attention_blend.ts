/**
 * Values of a tile, weighed and summed (section 5.3, step 4).
 *
 * A tile's sums are taken in registers over its positions, then added to the lanes' sums `to`.
 */
import { halfMask, halfScale } from "./constants";
import { four } from "./attention_element";

/**
 * Adds a tile's share for each lane.
 *
 * @param lanes 4, 2 or 1
 * @param v the first position's row of `width` elements (a multiple of 4)
 * @param count positions
 * @param p the first lane's weights, the next lane's are `stride` on
 * @param to the first lane's sums, the next lane's are `step` on
 */
// @ts-ignore: decorator

@inline
export function blendTile<T>(
  lanes: i32,
  v: usize,
  width: i32,
  count: i32,
  p: usize,
  stride: usize,
  to: usize,
  step: usize,
): void {
  if (lanes == 4) blendFour<T>(v, width, count, p, stride, to, step);
  else if (lanes == 2) blendTwo<T>(v, width, count, p, stride, to, step);
  else blendOne<T>(v, width, count, p, to);
}

// @ts-ignore: decorator

@inline
function madd(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

// @ts-ignore: decorator

@inline
function put(to: usize, a: v128): void {
  v128.store(to, f32x4.add(v128.load(to), a));
}

/** Four lanes, 8 elements at a time. */
function blendFour<T>(
  v: usize,
  width: i32,
  count: i32,
  p: usize,
  stride: usize,
  to: usize,
  step: usize,
): void {
  const mask = i32x4.splat(halfMask), scale = f32x4.splat(halfScale());
  const rowBytes = <usize> width * sizeof<T>();
  const end = p + (<usize> count << 2);
  const p1 = stride, p2 = 2 * stride, p3 = 3 * stride;
  let e = 0;
  for (; e + 8 <= width; e += 8) {
    let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    let row = v + <usize> e * sizeof<T>();
    for (let j = p; j < end; j += 4) {
      const v0 = four<T>(row, mask, scale);
      const v1 = four<T>(row + 4 * sizeof<T>(), mask, scale);
      let x = v128.load32_splat(j);
      a0 = madd(a0, x, v0);
      a1 = madd(a1, x, v1);
      x = v128.load32_splat(j + p1);
      b0 = madd(b0, x, v0);
      b1 = madd(b1, x, v1);
      x = v128.load32_splat(j + p2);
      c0 = madd(c0, x, v0);
      c1 = madd(c1, x, v1);
      x = v128.load32_splat(j + p3);
      d0 = madd(d0, x, v0);
      d1 = madd(d1, x, v1);
      row += rowBytes;
    }
    const at = to + (<usize> e << 2);
    put(at, a0);
    put(at + 16, a1);
    put(at + step, b0);
    put(at + step + 16, b1);
    put(at + 2 * step, c0);
    put(at + 2 * step + 16, c1);
    put(at + 3 * step, d0);
    put(at + 3 * step + 16, d1);
  }
  if (e < width) {
    blendRest<T>(v, width, e, count, p, to);
    blendRest<T>(v, width, e, count, p + p1, to + step);
    blendRest<T>(v, width, e, count, p + p2, to + 2 * step);
    blendRest<T>(v, width, e, count, p + p3, to + 3 * step);
  }
}

/** Two lanes, 16 elements at a time. */
function blendTwo<T>(
  v: usize,
  width: i32,
  count: i32,
  p: usize,
  stride: usize,
  to: usize,
  step: usize,
): void {
  const mask = i32x4.splat(halfMask), scale = f32x4.splat(halfScale());
  const rowBytes = <usize> width * sizeof<T>();
  const end = p + (<usize> count << 2);
  let e = 0;
  for (; e + 16 <= width; e += 16) {
    let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    let row = v + <usize> e * sizeof<T>();
    for (let j = p; j < end; j += 4) {
      const x = v128.load32_splat(j);
      const y = v128.load32_splat(j + stride);
      let w = four<T>(row, mask, scale);
      a0 = madd(a0, x, w);
      b0 = madd(b0, y, w);
      w = four<T>(row + 4 * sizeof<T>(), mask, scale);
      a1 = madd(a1, x, w);
      b1 = madd(b1, y, w);
      w = four<T>(row + 8 * sizeof<T>(), mask, scale);
      a2 = madd(a2, x, w);
      b2 = madd(b2, y, w);
      w = four<T>(row + 12 * sizeof<T>(), mask, scale);
      a3 = madd(a3, x, w);
      b3 = madd(b3, y, w);
      row += rowBytes;
    }
    const at = to + (<usize> e << 2);
    put(at, a0);
    put(at + 16, a1);
    put(at + 32, a2);
    put(at + 48, a3);
    put(at + step, b0);
    put(at + step + 16, b1);
    put(at + step + 32, b2);
    put(at + step + 48, b3);
  }
  for (; e < width; e += 4) {
    blendRest<T>(v, width, e, count, p, to);
    blendRest<T>(v, width, e, count, p + stride, to + step);
  }
}

/** One lane, 16 elements at a time. */
function blendOne<T>(v: usize, width: i32, count: i32, p: usize, to: usize): void {
  const mask = i32x4.splat(halfMask), scale = f32x4.splat(halfScale());
  const rowBytes = <usize> width * sizeof<T>();
  const end = p + (<usize> count << 2);
  let e = 0;
  for (; e + 16 <= width; e += 16) {
    let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
    let row = v + <usize> e * sizeof<T>();
    for (let j = p; j < end; j += 4) {
      const x = v128.load32_splat(j);
      a0 = madd(a0, x, four<T>(row, mask, scale));
      a1 = madd(a1, x, four<T>(row + 4 * sizeof<T>(), mask, scale));
      a2 = madd(a2, x, four<T>(row + 8 * sizeof<T>(), mask, scale));
      a3 = madd(a3, x, four<T>(row + 12 * sizeof<T>(), mask, scale));
      row += rowBytes;
    }
    const at = to + (<usize> e << 2);
    put(at, a0);
    put(at + 16, a1);
    put(at + 32, a2);
    put(at + 48, a3);
  }
  for (; e < width; e += 4) blendRest<T>(v, width, e, count, p, to);
}

/** One lane, the four elements from `e` on. */
function blendRest<T>(v: usize, width: i32, e: i32, count: i32, p: usize, to: usize): void {
  const mask = i32x4.splat(halfMask), scale = f32x4.splat(halfScale());
  let sum = f32x4.splat(0);
  let row = v + <usize> e * sizeof<T>();
  for (const end = p + (<usize> count << 2); p < end; p += 4) {
    sum = madd(sum, v128.load32_splat(p), four<T>(row, mask, scale));
    row += <usize> width * sizeof<T>();
  }
  put(to + (<usize> e << 2), sum);
}
