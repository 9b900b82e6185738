/**
 * Attention over paged keys and values (section 5.3).
 *
 * A page holds 32 positions, which is a tile. A layer's part of a page:
 *
 *     keys    kvHeads x headWidth x 32 f32: element after element, positions in SIMD lanes
 *     values  kvHeads x 32 x valueWidth f32: position after position (valueWidth = headWidth
 *             rounded up to 4; what lies between is never read into a result)
 */
import { expf } from "./expf";

/**
 * Attention of one position (`visible` = its index + 1) for all query heads.
 *
 * @param table u32 page addresses by tile; `layer` is added to each
 * @param scores scratch for `visible` rounded up to 32 values
 */
export function attendRow(
  query: usize,
  out: usize,
  table: usize,
  layer: usize,
  visible: i32,
  heads: i32,
  kvHeads: i32,
  headWidth: i32,
  valueWidth: i32,
  scale: f32,
  scores: usize,
): void {
  const group = heads / kvHeads;
  const valuesAt = layer + (<usize> (kvHeads * headWidth) << 7);
  for (let head = 0; head < heads; head++) {
    const kv = <usize> (head / group);
    const keys = layer + kv * (<usize> headWidth << 7);
    const values = valuesAt + kv * (<usize> valueWidth << 7);
    const m = score(query, table, keys, visible, headWidth, scale, scores);
    const total = weigh(scores, visible, m);
    blend(out, table, values, visible, headWidth, valueWidth, total, scores);
    query += <usize> headWidth << 2;
    out += <usize> headWidth << 2;
  }
}

/** Steps 1 and 2: the scores of all tiles, 16 positions at a time, and the largest visible one. */
function score(
  query: usize,
  table: usize,
  keys: usize,
  visible: i32,
  headWidth: i32,
  scale: f32,
  scores: usize,
): f32 {
  const factor = f32x4.splat(scale);
  for (let start = 0; start < visible; start += 16) {
    let key = <usize> load<u32>(table + (<usize> (start >> 5) << 2)) + keys +
      (<usize> (start & 16) << 2);
    let t0 = f32x4.splat(0), t1 = t0, t2 = t0, t3 = t0;
    for (let block = 0; block < headWidth; block += 32) {
      const end = min(block + 32, headWidth);
      let p0 = f32x4.splat(0), p1 = p0, p2 = p0, p3 = p0;
      for (let i = block; i < end; i++) {
        const q = v128.load32_splat(query + (<usize> i << 2));
        p0 = f32x4.add(p0, f32x4.mul(q, v128.load(key)));
        p1 = f32x4.add(p1, f32x4.mul(q, v128.load(key, 16)));
        p2 = f32x4.add(p2, f32x4.mul(q, v128.load(key, 32)));
        p3 = f32x4.add(p3, f32x4.mul(q, v128.load(key, 48)));
        key += 128;
      }
      t0 = f32x4.add(t0, p0);
      t1 = f32x4.add(t1, p1);
      t2 = f32x4.add(t2, p2);
      t3 = f32x4.add(t3, p3);
    }
    const to = scores + (<usize> start << 2);
    v128.store(to, f32x4.mul(t0, factor));
    v128.store(to, f32x4.mul(t1, factor), 16);
    v128.store(to, f32x4.mul(t2, factor), 32);
    v128.store(to, f32x4.mul(t3, factor), 48);
  }
  let m: f32 = f32.NEGATIVE_INFINITY;
  for (let j = 0; j < visible; j++) m = max<f32>(m, load<f32>(scores + (<usize> j << 2)));
  return m;
}

/** Steps 2 and 3: scores become weights; returns L. Invisible lanes of the last tile become +0. */
function weigh(scores: usize, visible: i32, m: f32): f32 {
  const most = f32x4.splat(m);
  let total: f32 = 0;
  for (let start = 0; start < visible; start += 32) {
    let c = f32x4.splat(0);
    const end = min(start + 32, visible);
    for (let j = start; j < end; j += 4) {
      const p = scores + (<usize> j << 2);
      v128.store(p, expf(f32x4.sub(v128.load(p), most)));
      for (let k = visible; k < j + 4; k++) store<f32>(scores + (<usize> k << 2), 0);
      c = f32x4.add(c, v128.load(p));
    }
    total += (f32x4.extract_lane(c, 0) + f32x4.extract_lane(c, 2)) +
      (f32x4.extract_lane(c, 1) + f32x4.extract_lane(c, 3));
  }
  return total;
}

/** Steps 4 and 5 for one head, 16 elements at a time, then 4. */
function blend(
  out: usize,
  table: usize,
  values: usize,
  visible: i32,
  headWidth: i32,
  valueWidth: i32,
  total: f32,
  weights: usize,
): void {
  const divisor = f32x4.splat(total);
  const step = <usize> valueWidth << 2;
  let e = 0;
  for (; e + 16 <= headWidth; e += 16) {
    let o0 = f32x4.splat(0), o1 = o0, o2 = o0, o3 = o0;
    for (let start = 0; start < visible; start += 32) {
      let v = <usize> load<u32>(table + (<usize> (start >> 5) << 2)) + values + (<usize> e << 2);
      let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
      const end = min(start + 32, visible);
      for (let j = start; j < end; j++) {
        const p = v128.load32_splat(weights + (<usize> j << 2));
        s0 = f32x4.add(s0, f32x4.mul(p, v128.load(v)));
        s1 = f32x4.add(s1, f32x4.mul(p, v128.load(v, 16)));
        s2 = f32x4.add(s2, f32x4.mul(p, v128.load(v, 32)));
        s3 = f32x4.add(s3, f32x4.mul(p, v128.load(v, 48)));
        v += step;
      }
      o0 = f32x4.add(o0, s0);
      o1 = f32x4.add(o1, s1);
      o2 = f32x4.add(o2, s2);
      o3 = f32x4.add(o3, s3);
    }
    const to = out + (<usize> e << 2);
    v128.store(to, f32x4.div(o0, divisor));
    v128.store(to, f32x4.div(o1, divisor), 16);
    v128.store(to, f32x4.div(o2, divisor), 32);
    v128.store(to, f32x4.div(o3, divisor), 48);
  }
  for (; e < headWidth; e++) {
    let o: f32 = 0;
    for (let start = 0; start < visible; start += 32) {
      let v = <usize> load<u32>(table + (<usize> (start >> 5) << 2)) + values + (<usize> e << 2);
      let s: f32 = 0;
      const end = min(start + 32, visible);
      for (let j = start; j < end; j++) {
        s += load<f32>(weights + (<usize> j << 2)) * load<f32>(v);
        v += step;
      }
      o += s;
    }
    store<f32>(out + (<usize> e << 2), o / total);
  }
}
