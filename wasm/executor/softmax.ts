/**
 * From dot products to weights (section 5.3, steps 1 to 3), one lane's row at a time.
 */
import { capped } from "./elementwise";
import { expfSixteen } from "./expf";

/**
 * Turns the dot products of positions `start` to `stop` (multiples of 32) at `row` into weights;
 * those that the lane does not see, outside `from` to `end`, become +0.
 *
 * @returns the sum L of the weights
 */
export function softmax(
  row: usize,
  start: i32,
  stop: i32,
  from: i32,
  end: i32,
  scale: f32,
  cap: f32,
): f32 {
  const first = from & ~31;
  const last = (end + 31) & ~31;
  memory.fill(row, 0, <usize> (first - start) << 2);
  memory.fill(row + (<usize> (last - start) << 2), 0, <usize> (stop - last) << 2);
  const at = row + (<usize> (first - start) << 2);
  const bytes = <usize> (last - first) << 2;
  const m = cap > 0
    ? largestCapped(at, bytes, from - first, end - first, scale, cap)
    : largest(at, bytes, from - first, end - first, scale);
  return weigh(at, bytes, m);
}

/** Scores that are not seen count as -Infinity. */
// @ts-ignore: decorator

@inline
function hideEdges(at: usize, bytes: usize, from: i32, end: i32): void {
  for (let j = 0; j < from; j++) store<f32>(at + (<usize> j << 2), f32.NEGATIVE_INFINITY);
  for (let p = at + (<usize> end << 2); p < at + bytes; p += 4) {
    store<f32>(p, f32.NEGATIVE_INFINITY);
  }
}

// @ts-ignore: decorator

@inline
function largestLane(m: v128): f32 {
  return max<f32>(
    max<f32>(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)),
    max<f32>(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  );
}

/** Step 1 without a cap, and the largest score. */
function largest(at: usize, bytes: usize, from: i32, end: i32, scale: f32): f32 {
  const factor = f32x4.splat(scale);
  for (let p = at; p < at + bytes; p += 16) v128.store(p, f32x4.mul(v128.load(p), factor));
  hideEdges(at, bytes, from, end);
  let m = f32x4.splat(f32.NEGATIVE_INFINITY);
  for (let p = at; p < at + bytes; p += 16) m = f32x4.pmax(m, v128.load(p));
  return largestLane(m);
}

/** Step 1 with a cap, and the largest score. */
function largestCapped(
  at: usize,
  bytes: usize,
  from: i32,
  end: i32,
  scale: f32,
  cap: f32,
): f32 {
  const factor = f32x4.splat(scale);
  const caps = f32x4.splat(cap);
  for (let p = at; p < at + bytes; p += 16) {
    v128.store(p, capped(f32x4.mul(v128.load(p), factor), caps));
  }
  hideEdges(at, bytes, from, end);
  let m = f32x4.splat(f32.NEGATIVE_INFINITY);
  for (let p = at; p < at + bytes; p += 16) m = f32x4.pmax(m, v128.load(p));
  return largestLane(m);
}

/** Steps 2 and 3: scores become weights; returns L. */
function weigh(at: usize, bytes: usize, m: f32): f32 {
  const most = f32x4.splat(m);
  let total: f32 = 0;
  for (const stop = at + bytes; at < stop; at += 128) {
    expfSixteen(at, most);
    expfSixteen(at + 64, most);
    let c = f32x4.splat(0);
    for (let i: usize = 0; i < 128; i += 16) c = f32x4.add(c, v128.load(at + i));
    total += (f32x4.extract_lane(c, 0) + f32x4.extract_lane(c, 2)) +
      (f32x4.extract_lane(c, 1) + f32x4.extract_lane(c, 3));
  }
  return total;
}
