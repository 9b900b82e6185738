/**
 * The scoring module: a weighted score of each candidate and the best of them, in one pass that
 * writes no score down. The formula is in `src/hot/scoring.ts`.
 *
 * Only plain f32 operations in a fixed order: the result is the same bits on every CPU, and the twin
 * in TypeScript reproduces it with Math.fround.
 *
 *   0x000000  weights   8 f32, then the memory needed and its inverse
 *   0x000100  scores    1,024 f32: a heap whose first is the worst, at the end sorted, best first
 *   0x001100  indexes   1,024 u32, in step with the scores
 *   0x004000  excluded  a bit per candidate
 *   0x010000  columns   8 of 131,072 f32 and 576 B, so that they do not share cache sets: memory,
 *                       demand, replicas, latency, bandwidth, age, credit, locality
 *   0x420000  end       66 pages of 64 KiB
 */
const WEIGHTS: usize = 0;
const NEED: usize = 32;
const SCORES: usize = 0x100;
const INDEXES: usize = 0x1100;
const EXCLUDED: usize = 0x4000;
const COLUMNS: usize = 0x10000;
const COLUMN_BYTES: usize = 0x80240;
const NONE: u32 = 0xffffffff;

// A vector written as a constant is built anew at each use inside V8's loop; from a mutable global it
// is read.
let one: v128 = f32x4.splat(1);
let minusOne: v128 = f32x4.splat(-1);
let zero: v128 = f32x4.splat(0);
let perMs: v128 = f32x4.splat(0.005);
let perSecond: v128 = f32x4.splat(0.000277777785);
let sixteenth: v128 = f32x4.splat(0.0625);
let bias: v128 = i32x4.splat(127);
let mantissa: v128 = i32x4.splat(0x007fffff);
// log2 on [1, 2], minimax of degree 4.
let p4: v128 = f32x4.splat(-0.0816158057);
let p3: v128 = f32x4.splat(0.645142365);
let p2: v128 = f32x4.splat(-2.12067513);
let p1: v128 = f32x4.splat(4.07009079);
let p0: v128 = f32x4.splat(-2.51285462);

/**
 * log2 of four numbers of at least 1, within 1e-4: exponent, and a polynomial of the rest. What is
 * infinite or no number gives NaN.
 */
// @ts-ignore: decorator
@inline
function log2(x: v128): v128 {
  const exponent = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(x, 23), bias));
  const m = v128.or(v128.and(x, mantissa), one);
  let p = f32x4.add(f32x4.mul(p4, m), p3);
  p = f32x4.add(f32x4.mul(p, m), p2);
  p = f32x4.add(f32x4.mul(p, m), p1);
  p = f32x4.add(f32x4.mul(p, m), p0);
  return f32x4.add(f32x4.add(p, exponent), f32x4.sub(x, x));
}

/** Between `low` and 1. */
// @ts-ignore: decorator
@inline
function clamp(x: v128, low: v128): v128 {
  return f32x4.pmin(one, f32x4.pmax(low, x));
}

// @ts-ignore: decorator
@inline
function weighted(sum: v128, x: v128, weight: usize): v128 {
  return f32x4.add(sum, f32x4.mul(x, v128.load32_splat(WEIGHTS + (weight << 2))));
}

/** Scores of the four candidates whose columns are at `p` from COLUMNS on. */
// @ts-ignore: decorator
@inline
function scoreOf(p: usize, spare: v128): v128 {
  const demand = f32x4.add(v128.load(p, COLUMN_BYTES), one);
  const near = f32x4.sub(one, f32x4.mul(v128.load(p, 3 * COLUMN_BYTES), perMs));
  const width = f32x4.mul(log2(f32x4.add(v128.load(p, 4 * COLUMN_BYTES), one)), sixteenth);
  const age = f32x4.add(f32x4.mul(v128.load(p, 5 * COLUMN_BYTES), perSecond), one);
  const fit = clamp(f32x4.mul(spare, v128.load32_splat(NEED, 4)), zero);
  let s = f32x4.mul(fit, v128.load32_splat(WEIGHTS));
  s = weighted(s, log2(demand), 1);
  s = weighted(s, f32x4.div(one, v128.load(p, 2 * COLUMN_BYTES)), 2);
  s = weighted(s, clamp(near, zero), 3);
  s = weighted(s, clamp(width, zero), 4);
  s = weighted(s, f32x4.div(one, age), 5);
  s = weighted(s, clamp(v128.load(p, 6 * COLUMN_BYTES), minusOne), 6);
  return weighted(s, v128.load(p, 7 * COLUMN_BYTES), 7);
}

/**
 * The best `most` (1 to 1,024) of `count` candidates, best first. Returns how many there are.
 *
 * Excluded candidates, those with less memory than needed, and those whose score is no number are
 * left out. Of equal scores the lower index is better. Reads the columns up to a multiple of four.
 */
export function best(count: u32, most: u32): u32 {
  for (let i: u32 = 0; i < most; i++) put(i, -Infinity, NONE);
  const need = v128.load32_splat(NEED);
  let worst = f32x4.splat(-Infinity);
  for (let i: u32 = 0; i < count; i += 4) {
    const p = COLUMNS + (<usize> i << 2);
    const spare = f32x4.sub(v128.load(p), need);
    const s = scoreOf(p, spare);
    const better = v128.and(f32x4.gt(s, worst), f32x4.ge(spare, zero));
    if (!v128.any_true(better)) continue;
    let lanes = i32x4.bitmask(better) & ~(load<u8>(EXCLUDED + (i >> 3)) >> (i & 4));
    if (count - i < 4) lanes &= (1 << (count - i)) - 1;
    if (lanes & 1) offer(most, f32x4.extract_lane(s, 0), i);
    if (lanes & 2) offer(most, f32x4.extract_lane(s, 1), i + 1);
    if (lanes & 4) offer(most, f32x4.extract_lane(s, 2), i + 2);
    if (lanes & 8) offer(most, f32x4.extract_lane(s, 3), i + 3);
    worst = v128.load32_splat(SCORES);
  }
  return sorted(most);
}

/** Replaces the worst of the heap by a better candidate, whose index is above all of the heap's. */
function offer(most: u32, score: f32, index: u32): void {
  if (score > load<f32>(SCORES)) sift(most, score, index);
}

/** Whether entry `a` is worse than the score and index given. */
// @ts-ignore: decorator
@inline
function isWorse(a: u32, score: f32, index: u32): bool {
  const own = load<f32>(SCORES + (<usize> a << 2));
  return own < score || (own == score && load<u32>(INDEXES + (<usize> a << 2)) > index);
}

/** Puts an entry in place of the first of a heap of `size`. */
function sift(size: u32, score: f32, index: u32): void {
  let i: u32 = 0;
  for (;;) {
    let child: u32 = 2 * i + 1;
    if (child >= size) break;
    if (child + 1 < size && isWorse(child + 1, scoreAt(child), indexAt(child))) child++;
    if (!isWorse(child, score, index)) break;
    put(i, scoreAt(child), indexAt(child));
    i = child;
  }
  put(i, score, index);
}

/** Sorts the heap, best first. Returns the number of entries that are candidates. */
function sorted(most: u32): u32 {
  let found: u32 = 0;
  for (let i: u32 = 0; i < most; i++) if (indexAt(i) != NONE) found++;
  for (let last = most - 1; last > 0; last--) {
    const score = scoreAt(last);
    const index = indexAt(last);
    put(last, scoreAt(0), indexAt(0));
    sift(last, score, index);
  }
  return found;
}

function scoreAt(i: u32): f32 {
  return load<f32>(SCORES + (<usize> i << 2));
}

function indexAt(i: u32): u32 {
  return load<u32>(INDEXES + (<usize> i << 2));
}

function put(i: u32, score: f32, index: u32): void {
  store<f32>(SCORES + (<usize> i << 2), score);
  store<u32>(INDEXES + (<usize> i << 2), index);
}
