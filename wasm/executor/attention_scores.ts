/**
 * Dot products of queries with a tile of keys (section 5.3, step 1; order of section 3.1).
 *
 * Queries of 4, 2 or 1 lanes are packed element by element, so that one pointer reaches them all;
 * positions are in SIMD lanes. Blocks of 32 elements are summed on their own: the first block's
 * sums are stored, the others' are added to them.
 */
import { halfMask, halfScale } from "./constants";
import { four } from "./attention_element";

/**
 * Writes 32 dot products for each lane.
 *
 * @param lanes 4, 2 or 1
 * @param q the packed queries
 * @param to the first lane's, the next lane's is `stride` on
 */
// @ts-ignore: decorator

@inline
export function scoreTile<T>(
  lanes: i32,
  key: usize,
  width: i32,
  q: usize,
  to: usize,
  stride: usize,
): void {
  if (lanes == 4) {
    for (let i: usize = 0; i < 32; i += 8) {
      scoreFour<T>(key + i * sizeof<T>(), width, q, to + (i << 2), stride);
    }
  } else if (lanes == 2) {
    scoreTwo<T>(key, width, q, to, stride);
    scoreTwo<T>(key + 16 * sizeof<T>(), width, q, to + 64, stride);
  } else {
    scoreOne<T>(key, width, q, to);
    scoreOne<T>(key + 16 * sizeof<T>(), width, q, to + 64);
  }
}

// @ts-ignore: decorator

@inline
function madd(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

/** Stores a block's sums, or adds them to those before. */
// @ts-ignore: decorator

@inline
function put(isFirst: bool, to: usize, a: v128, b: v128): void {
  if (!isFirst) {
    a = f32x4.add(v128.load(to), a);
    b = f32x4.add(v128.load(to, 16), b);
  }
  v128.store(to, a);
  v128.store(to, b, 16);
}

/** Four lanes, 8 positions. */
function scoreFour<T>(key: usize, width: i32, q: usize, to: usize, stride: usize): void {
  const mask = i32x4.splat(halfMask), scale = f32x4.splat(halfScale());
  for (let block = 0; block < width; block += 32) {
    let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    for (const end = q + (<usize> min(32, width - block) << 4); q < end; q += 16) {
      const k0 = four<T>(key, mask, scale);
      const k1 = four<T>(key + 4 * sizeof<T>(), mask, scale);
      let x = v128.load32_splat(q);
      a0 = madd(a0, x, k0);
      a1 = madd(a1, x, k1);
      x = v128.load32_splat(q, 4);
      b0 = madd(b0, x, k0);
      b1 = madd(b1, x, k1);
      x = v128.load32_splat(q, 8);
      c0 = madd(c0, x, k0);
      c1 = madd(c1, x, k1);
      x = v128.load32_splat(q, 12);
      d0 = madd(d0, x, k0);
      d1 = madd(d1, x, k1);
      key += 32 * sizeof<T>();
    }
    put(block == 0, to, a0, a1);
    put(block == 0, to + stride, b0, b1);
    put(block == 0, to + 2 * stride, c0, c1);
    put(block == 0, to + 3 * stride, d0, d1);
  }
}

/** Two lanes, 16 positions. */
function scoreTwo<T>(key: usize, width: i32, q: usize, to: usize, stride: usize): void {
  const mask = i32x4.splat(halfMask), scale = f32x4.splat(halfScale());
  for (let block = 0; block < width; block += 32) {
    let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    for (const end = q + (<usize> min(32, width - block) << 3); q < end; q += 8) {
      const x = v128.load32_splat(q);
      const y = v128.load32_splat(q, 4);
      let k = four<T>(key, mask, scale);
      a0 = madd(a0, x, k);
      b0 = madd(b0, y, k);
      k = four<T>(key + 4 * sizeof<T>(), mask, scale);
      a1 = madd(a1, x, k);
      b1 = madd(b1, y, k);
      k = four<T>(key + 8 * sizeof<T>(), mask, scale);
      a2 = madd(a2, x, k);
      b2 = madd(b2, y, k);
      k = four<T>(key + 12 * sizeof<T>(), mask, scale);
      a3 = madd(a3, x, k);
      b3 = madd(b3, y, k);
      key += 32 * sizeof<T>();
    }
    put(block == 0, to, a0, a1);
    put(block == 0, to + 32, a2, a3);
    put(block == 0, to + stride, b0, b1);
    put(block == 0, to + stride + 32, b2, b3);
  }
}

/** One lane, 16 positions. */
function scoreOne<T>(key: usize, width: i32, q: usize, to: usize): void {
  const mask = i32x4.splat(halfMask), scale = f32x4.splat(halfScale());
  for (let block = 0; block < width; block += 32) {
    let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
    for (const end = q + (<usize> min(32, width - block) << 2); q < end; q += 4) {
      const x = v128.load32_splat(q);
      a0 = madd(a0, x, four<T>(key, mask, scale));
      a1 = madd(a1, x, four<T>(key + 4 * sizeof<T>(), mask, scale));
      a2 = madd(a2, x, four<T>(key + 8 * sizeof<T>(), mask, scale));
      a3 = madd(a3, x, four<T>(key + 12 * sizeof<T>(), mask, scale));
      key += 32 * sizeof<T>();
    }
    put(block == 0, to, a0, a1);
    put(block == 0, to + 32, a2, a3);
  }
}
