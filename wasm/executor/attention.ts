/**
 * Attention over paged keys and values (section 5.3); `keys_values.ts` has the layout of a page.
 *
 * A lane is one query head of one row. All lanes that read the same key head are taken in batches,
 * and within a batch a tile of keys or values is read once for up to four lanes: that is what makes
 * long contexts fast, in decode (heads of a group) and in prefill (rows too). The order of every
 * sum is the class's, whatever shares a load: an invisible position has the weight +0, which
 * changes no sum.
 *
 * Scratch of a batch: the lanes' scores, the lanes' sums of values, the packed queries, and a tile of
 * f16 as f32 when so many lanes read it that converting it once is cheaper.
 */
import { four } from "./attention_element";
import { blendTile, scoreTile } from "./attention_loops.gen";
import { halfMask, halfScale } from "./constants";
import { softmax } from "./softmax";

/** A batch has at most so many lanes, and few enough that its scores stay within the budget... */
const LANES_MAX: i32 = 64;
const SCORES_MAX: i32 = 1 << 18;
/** ... but at least so many, which is enough to hide the reading of keys and values. */
const LANES_LEAST: i32 = 16;

/** Lanes of a batch whose tiles span `span` positions. */
function lanesOf(span: i32): i32 {
  return min(LANES_MAX, max(LANES_LEAST, SCORES_MAX / span));
}

/** Bytes of scratch that `attend` needs for sessions of up to `contextMax` positions. */
export function attendScratchBytes(contextMax: i32, valueWidth: i32): usize {
  const span = <usize> ((contextMax + 31) & ~31);
  const scores = max<usize>(SCORES_MAX, LANES_LEAST * span);
  return (scores + LANES_MAX * 16 + (2 * LANES_MAX + 32) * <usize> valueWidth) << 2;
}

// The call's arguments, which all functions below read.
let query: usize = 0;
let out: usize = 0;
let rowBytes: usize = 0;
let table: usize = 0;
let firstPosition: i32 = 0;
let visibleMax: i32 = 0;
let window: i32 = 0;
let group: i32 = 0;
let headWidth: i32 = 0;
let valueWidth: i32 = 0;
let scale: f32 = 0;
let cap: f32 = 0;
let scratch: usize = 0;

/**
 * Attention of consecutive positions of one session, for the query heads of some key heads.
 *
 * @param q, o the first row's queries and results; all query heads of a row, rows `stride` apart
 * @param pages u32 page addresses by tile; `layer` is added to each
 * @param visible rows see all positions below it; 0 when they see themselves and those before
 * @param reach positions that a causal row sees at most, itself included; 0 is no limit
 * @param factor, limit of the scores; a limit of 0 leaves them alone
 * @param half pages hold f16
 * @param free `attendScratchBytes` bytes
 */
export function attend(
  q: usize,
  o: usize,
  stride: usize,
  pages: usize,
  layer: usize,
  first: i32,
  rows: i32,
  visible: i32,
  reach: i32,
  fromKv: i32,
  toKv: i32,
  heads: i32,
  kvHeads: i32,
  width: i32,
  wide: i32,
  factor: f32,
  limit: f32,
  half: i32,
  free: usize,
): void {
  query = q;
  out = o;
  rowBytes = stride;
  table = pages;
  firstPosition = first;
  visibleMax = visible;
  window = reach;
  group = heads / kvHeads;
  headWidth = width;
  valueWidth = wide;
  scale = factor;
  cap = limit;
  scratch = free;
  const shift = half ? 6 : 7;
  const valuesAt = layer + (<usize> (kvHeads * width) << shift);
  for (let kv = fromKv; kv < toKv; kv++) {
    const keys = layer + (<usize> (kv * width) << shift);
    const values = valuesAt + (<usize> (kv * wide) << shift);
    const lanes = rows * group;
    for (let lane = 0; lane < lanes;) {
      const from = fromOf(rowOf(lane)) & ~31;
      // As many rows as fit: the more of them, the longer the span, so that twice is enough.
      let count = min(lanes - lane, lanesOf(endOf(rowOf(lane)) - from + 31));
      count = min(count, lanesOf(endOf(rowOf(lane + count - 1)) - from + 31));
      if (half) attendBatch<u16>(keys, values, kv, lane, count);
      else attendBatch<f32>(keys, values, kv, lane, count);
      lane += count;
    }
  }
}

/** A lane's row. */
// @ts-ignore: decorator

@inline
function rowOf(lane: i32): i32 {
  return lane / group;
}

/** The first position that a row sees. */
function fromOf(row: i32): i32 {
  return window > 0 && visibleMax == 0 ? max(0, firstPosition + row + 1 - window) : 0;
}

/** The end of the positions that a row sees. */
function endOf(row: i32): i32 {
  return visibleMax > 0 ? visibleMax : firstPosition + row + 1;
}

/** Byte offset of a lane from the first row's first query head. */
function offsetOf(lane: i32, kv: i32): usize {
  const row = rowOf(lane);
  return <usize> row * rowBytes + (<usize> ((kv * group + lane - row * group) * headWidth) << 2);
}

/** A tile of 32 x `width` f16 to f32. */
function unpack(to: usize, tile: usize, width: i32): void {
  const mask = i32x4.splat(halfMask), factor = f32x4.splat(halfScale());
  for (const end = to + (<usize> width << 7); to < end; to += 32) {
    v128.store(to, four<u16>(tile, mask, factor));
    v128.store(to, four<u16>(tile + 8, mask, factor), 16);
    tile += 16;
  }
}

/** How many lanes are taken together when `rest` are left. */
// @ts-ignore: decorator

@inline
function together(rest: i32): i32 {
  return rest >= 4 ? 4 : rest >= 2 ? 2 : 1;
}

/** Packs the queries of lanes that are taken together, element by element. */
function pack(to: usize, kv: i32, lane: i32, count: i32): void {
  const lastLane = lane + count;
  while (lane < lastLane) {
    const lanes = together(lastLane - lane);
    const step = <usize> lanes << 2;
    for (let l = 0; l < lanes; l++) {
      const from = query + offsetOf(lane + l, kv);
      let at = to + (<usize> l << 2);
      for (let i: usize = 0; i < <usize> headWidth << 2; i += 4) {
        store<f32>(at, load<f32>(from + i));
        at += step;
      }
    }
    to += (<usize> headWidth << 2) * <usize> lanes;
    lane += lanes;
  }
}

/** Lanes `lane` to `lane + count` of key head `kv`, whose parts of a page lie at the offsets. */
function attendBatch<T>(keys: usize, values: usize, kv: i32, lane: i32, count: i32): void {
  const lastLane = lane + count;
  const from = fromOf(rowOf(lane)) & ~31;
  const end = (endOf(rowOf(lastLane - 1)) + 31) & ~31;
  const stride = (<usize> (end - from) << 2) + 64;
  const blended = scratch + <usize> count * stride;
  const blendBytes = <usize> valueWidth << 2;
  const packed = blended + <usize> count * blendBytes;
  const unpacked = packed + <usize> count * blendBytes;
  const unpacks = sizeof<T>() == 2 && count > 4;
  pack(packed, kv, lane, count);
  for (let start = from; start < end; start += 32) {
    const tile = <usize> load<u32>(table + (<usize> (start >> 5) << 2)) + keys;
    if (unpacks) unpack(unpacked, tile, headWidth);
    for (let l = lane; l < lastLane;) {
      const lanes = together(lastLane - l);
      if (isSeen(start, l, lanes)) {
        const to = scratch + <usize> (l - lane) * stride + (<usize> (start - from) << 2);
        const q = packed + (<usize> (l - lane) * <usize> headWidth << 2);
        if (unpacks) scoreTile<f32>(lanes, unpacked, headWidth, q, to, stride);
        else scoreTile<T>(lanes, tile, headWidth, q, to, stride);
      }
      l += lanes;
    }
  }
  for (let l = lane; l < lastLane; l++) {
    const row = scratch + <usize> (l - lane) * stride;
    const total = softmax(row, from, end, fromOf(rowOf(l)), endOf(rowOf(l)), scale, cap);
    // The sum waits behind the row's weights.
    store<f32>(row + stride - 64, total);
  }
  memory.fill(blended, 0, <usize> count * blendBytes);
  for (let start = from; start < end; start += 32) {
    const tile = <usize> load<u32>(table + (<usize> (start >> 5) << 2)) + values;
    if (unpacks) unpack(unpacked, tile, valueWidth);
    for (let l = lane; l < lastLane;) {
      const lanes = together(lastLane - l);
      if (isSeen(start, l, lanes)) {
        const first = max(start, fromOf(rowOf(l)));
        const last = min(start + 32, endOf(rowOf(l + lanes - 1)));
        const skipped = <usize> (first - start) * <usize> valueWidth;
        const p = scratch + <usize> (l - lane) * stride + (<usize> (first - from) << 2);
        const to = blended + <usize> (l - lane) * blendBytes;
        if (unpacks) {
          const rows = unpacked + (skipped << 2);
          blendTile<f32>(lanes, rows, valueWidth, last - first, p, stride, to, blendBytes);
        } else {
          const rows = tile + skipped * sizeof<T>();
          blendTile<T>(lanes, rows, valueWidth, last - first, p, stride, to, blendBytes);
        }
      }
      l += lanes;
    }
  }
  for (let l = lane; l < lastLane; l++) {
    const total = load<f32>(scratch + <usize> (l - lane + 1) * stride - 64);
    divide(out + offsetOf(l, kv), blended + <usize> (l - lane) * blendBytes, total);
  }
}

/** Whether one of the lanes sees a position of the tile. */
// @ts-ignore: decorator

@inline
function isSeen(start: i32, lane: i32, lanes: i32): bool {
  return start < endOf(rowOf(lane + lanes - 1)) && start + 32 > fromOf(rowOf(lane));
}

/** Step 5 for one lane. */
function divide(to: usize, sums: usize, total: f32): void {
  const divisor = f32x4.splat(total);
  const bytes = <usize> headWidth << 2;
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) v128.store(to + i, f32x4.div(v128.load(sums + i), divisor));
  for (; i < bytes; i += 4) store<f32>(to + i, load<f32>(sums + i) / total);
}
