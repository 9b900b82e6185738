/**
 * Attention over paged keys and values (section 5.3); `keys_values.ts` has the layout of a page.
 */
import { capped } from "./elementwise";
import { expf } from "./expf";
import { halvesToFloats } from "./half";
import { halfMask, halfScale } from "./constants";

/** Bytes of scratch that `attend` needs for sessions of up to `contextMax` positions. */
export function attendScratchBytes(contextMax: i32): usize {
  return <usize> ((contextMax + 31) & ~31) << 2;
}

/**
 * Attention of consecutive positions of one session, for the query heads of some key heads.
 *
 * @param query, out the first row's; all query heads of a row, rows `rowBytes` apart
 * @param table u32 page addresses by tile; `layer` is added to each
 * @param visibleMax rows see all positions below it; 0 when they see themselves and those before
 * @param window positions that a causal row sees at most, itself included; 0 is no limit
 * @param cap cap of the scores; 0 leaves them alone
 * @param half pages hold f16
 */
export function attend(
  query: usize,
  out: usize,
  rowBytes: usize,
  table: usize,
  layer: usize,
  firstPosition: i32,
  rows: i32,
  visibleMax: i32,
  window: i32,
  fromKv: i32,
  toKv: i32,
  heads: i32,
  kvHeads: i32,
  headWidth: i32,
  valueWidth: i32,
  scale: f32,
  cap: f32,
  half: i32,
  scores: usize,
): void {
  const group = heads / kvHeads;
  const shift = half ? 6 : 7;
  const valuesAt = layer + (<usize> (kvHeads * headWidth) << shift);
  for (let row = 0; row < rows; row++) {
    const position = firstPosition + row;
    const end = visibleMax > 0 ? visibleMax : position + 1;
    const from = window > 0 && visibleMax == 0 ? max(0, end - window) : 0;
    for (let kv = fromKv; kv < toKv; kv++) {
      const keys = layer + (<usize> (kv * headWidth) << shift);
      const values = valuesAt + (<usize> (kv * valueWidth) << shift);
      for (let head = kv * group; head < (kv + 1) * group; head++) {
        const at = <usize> row * rowBytes + (<usize> (head * headWidth) << 2);
        if (half) {
          const m = score<u16>(query + at, table, keys, from, end, headWidth, scale, cap, scores);
          const total = weigh(scores, from, end, m);
          blend<u16>(out + at, table, values, from, end, headWidth, valueWidth, total, scores);
        } else {
          const m = score<f32>(query + at, table, keys, from, end, headWidth, scale, cap, scores);
          const total = weigh(scores, from, end, m);
          blend<f32>(out + at, table, values, from, end, headWidth, valueWidth, total, scores);
        }
      }
    }
  }
}

/** Four stored elements as f32. */
// @ts-ignore: decorator

@inline
function four<T>(p: usize): v128 {
  if (isFloat<T>()) return v128.load(p);
  return halvesToFloats(v128.load16x4_s(p), i32x4.splat(halfMask), f32x4.splat(halfScale()));
}

/** Steps 1 and 2: the scores of all tiles, 4 positions at a time, and the largest visible one. */
function score<T>(
  query: usize,
  table: usize,
  keys: usize,
  from: i32,
  end: i32,
  headWidth: i32,
  scale: f32,
  cap: f32,
  scores: usize,
): f32 {
  let m: f32 = f32.NEGATIVE_INFINITY;
  const factor = f32x4.splat(scale);
  const caps = f32x4.splat(cap);
  const tiles = from & ~31;
  for (let start = tiles; start < end; start += 4) {
    let key = <usize> load<u32>(table + (<usize> (start >> 5) << 2)) + keys +
      <usize> (start & 31) * sizeof<T>();
    let t = f32x4.splat(0);
    for (let block = 0; block < headWidth; block += 32) {
      const last = min(block + 32, headWidth);
      let p = f32x4.splat(0);
      for (let i = block; i < last; i++) {
        p = f32x4.add(p, f32x4.mul(v128.load32_splat(query + (<usize> i << 2)), four<T>(key)));
        key += 32 * sizeof<T>();
      }
      t = f32x4.add(t, p);
    }
    t = f32x4.mul(t, factor);
    if (cap > 0) t = capped(t, caps);
    const to = scores + (<usize> (start - tiles) << 2);
    v128.store(to, t);
    for (let j = start; j < start + 4; j++) {
      const at = to + (<usize> (j - start) << 2);
      if (j < from || j >= end) store<f32>(at, f32.NEGATIVE_INFINITY);
      m = max<f32>(m, load<f32>(at));
    }
  }
  return m;
}

/** Steps 2 and 3: scores become weights, those of invisible positions +0; returns L. */
function weigh(scores: usize, from: i32, end: i32, m: f32): f32 {
  const most = f32x4.splat(m);
  let total: f32 = 0;
  for (let start = from & ~31; start < end; start += 32) {
    let c = f32x4.splat(0);
    for (let j = start; j < min(start + 32, end); j += 4) {
      const p = expf(f32x4.sub(v128.load(scores), most));
      v128.store(scores, p);
      c = f32x4.add(c, p);
      scores += 16;
    }
    total += (f32x4.extract_lane(c, 0) + f32x4.extract_lane(c, 2)) +
      (f32x4.extract_lane(c, 1) + f32x4.extract_lane(c, 3));
  }
  return total;
}

/** Steps 4 and 5 for one head, 4 elements at a time. */
function blend<T>(
  out: usize,
  table: usize,
  values: usize,
  from: i32,
  end: i32,
  headWidth: i32,
  valueWidth: i32,
  total: f32,
  weights: usize,
): void {
  const divisor = f32x4.splat(total);
  const step = <usize> valueWidth * sizeof<T>();
  const tiles = from & ~31;
  for (let e = 0; e < headWidth; e += 4) {
    let o = f32x4.splat(0);
    for (let start = tiles; start < end; start += 32) {
      const first = max(start, from);
      const last = min(start + 32, end);
      let v = <usize> load<u32>(table + (<usize> (start >> 5) << 2)) + values +
        <usize> e * sizeof<T>() + <usize> (first - start) * step;
      let s = f32x4.splat(0);
      for (let j = first; j < last; j++) {
        s = f32x4.add(
          s,
          f32x4.mul(v128.load32_splat(weights + (<usize> (j - tiles) << 2)), four<T>(v)),
        );
        v += step;
      }
      o = f32x4.add(o, s);
    }
    o = f32x4.div(o, divisor);
    const to = out + (<usize> e << 2);
    if (e + 4 <= headWidth) v128.store(to, o);
    else {
      store<f32>(to, f32x4.extract_lane(o, 0));
      if (e + 1 < headWidth) store<f32>(to, f32x4.extract_lane(o, 1), 4);
      if (e + 2 < headWidth) store<f32>(to, f32x4.extract_lane(o, 2), 8);
    }
  }
}
