/**
 * RMS norm, layer norm and norms of heads (section 5.1).
 *
 * Lane pairs of four f64x2 sums are p0 p1, p2 p3, p4 p5, p6 p7. Everything stays in registers, so
 * threads can norm at the same time.
 */

/** What a sum adds: squares of elements, elements, squares of their differences from the mean. */
const SQUARES: i32 = 0;
const VALUES: i32 = 1;
const DIFFERENCES: i32 = 2;

/** RMS norm of `count` values at `x` with weights `w`, written to `y`, which may be `x`. */
export function norm(x: usize, w: usize, y: usize, count: i32, epsilon: f32): void {
  const sum = sumOf(x, count, SQUARES, f64x2.splat(0));
  const r = f32x4.splat(<f32> (1.0 / sqrt<f64>(sum / <f64> count + <f64> epsilon)));
  let i: usize = 0;
  const end = <usize> count << 2;
  for (; i + 16 <= end; i += 16) {
    v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), r), v128.load(w + i)));
  }
  const one = f32x4.extract_lane(r, 0);
  for (; i < end; i += 4) store<f32>(y + i, (load<f32>(x + i) * one) * load<f32>(w + i));
}

/** RMS norm of each of `heads` runs of `headWidth` values at `x`, in place. */
export function headNorms(x: usize, w: usize, heads: i32, headWidth: i32, epsilon: f32): void {
  for (let head = 0; head < heads; head++) {
    norm(x, w, x, headWidth, epsilon);
    x += <usize> headWidth << 2;
  }
}

/** Layer norm of `count` values at `x` with weights `w` and biases `b`, written to `y`. */
export function layerNorm(x: usize, w: usize, b: usize, y: usize, count: i32, epsilon: f32): void {
  const mean = f64x2.splat(sumOf(x, count, VALUES, f64x2.splat(0)) / <f64> count);
  const sum = sumOf(x, count, DIFFERENCES, mean);
  const r = f32x4.splat(<f32> (1.0 / sqrt<f64>(sum / <f64> count + <f64> epsilon)));
  let i: usize = 0;
  const end = <usize> count << 2;
  for (; i + 16 <= end; i += 16) {
    const value = f32x4.mul(differences(v128.load(x + i), mean), r);
    v128.store(y + i, f32x4.add(f32x4.mul(value, v128.load(w + i)), v128.load(b + i)));
  }
  for (; i < end; i += 4) {
    const value = f32x4.mul(differences(v128.load32_zero(x + i), mean), r);
    const weighed = f32x4.mul(value, v128.load32_zero(w + i));
    v128.store32_lane(y + i, f32x4.add(weighed, v128.load32_zero(b + i)), 0);
  }
}

/** fround(f64(x) - mean), four lanes. */
// @ts-ignore: decorator

@inline
function differences(x: v128, mean: v128): v128 {
  const low = f64x2.sub(f64x2.promote_low_f32x4(x), mean);
  const high = f64x2.sub(f64x2.promote_low_f32x4(upper(x)), mean);
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

// @ts-ignore: decorator

@inline
function upper(x: v128): v128 {
  return v128.shuffle<i64>(x, x, 1, 0);
}

// @ts-ignore: decorator

@inline
function added(sum: v128, x: v128, what: i32): v128 {
  const value = f64x2.promote_low_f32x4(x);
  return f64x2.add(sum, what == VALUES ? value : f64x2.mul(value, value));
}

/** The first `count` (below 4) of four values, then zeros, which change no sum. */
function firstOf(p: usize, count: i32): v128 {
  let x = f32x4.splat(0);
  if (count > 0) x = v128.load32_zero(p);
  if (count > 1) x = f32x4.replace_lane(x, 1, load<f32>(p, 4));
  if (count > 2) x = f32x4.replace_lane(x, 2, load<f32>(p, 8));
  return count > 3 ? v128.load(p) : x;
}

/** Lanes of `x` whose index is below `count`; the others are +0. */
// @ts-ignore: decorator

@inline
function kept(x: v128, count: i32): v128 {
  return v128.and(x, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count)));
}

// @ts-ignore: decorator

@inline
function sumOf(x: usize, count: i32, what: i32, mean: v128): f64 {
  let a = f64x2.splat(0);
  let b = a;
  let c = a;
  let d = a;
  const end = x + (<usize> (count & ~7) << 2);
  let p = x;
  for (; p < end; p += 32) {
    let low = v128.load(p);
    let high = v128.load(p, 16);
    if (what == DIFFERENCES) {
      low = differences(low, mean);
      high = differences(high, mean);
    }
    a = added(a, low, what);
    b = added(b, upper(low), what);
    c = added(c, high, what);
    d = added(d, upper(high), what);
  }
  const rest = count & 7;
  if (rest > 0) {
    let low = firstOf(p, rest);
    let high = firstOf(p + 16, rest - 4);
    if (what == DIFFERENCES) {
      low = kept(differences(low, mean), rest);
      high = kept(differences(high, mean), rest - 4);
    }
    a = added(a, low, what);
    b = added(b, upper(low), what);
    c = added(c, high, what);
    d = added(d, upper(high), what);
  }
  const total = f64x2.add(f64x2.add(a, c), f64x2.add(b, d));
  return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
}
