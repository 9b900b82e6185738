/**
 * Storing keys and values in pages (section 5.3 and, rounded to f16, section 5.7).
 *
 * A page holds 32 positions, which is a tile. A layer's part of a page, in f32 or f16:
 *
 *     keys    kvHeads x headWidth x 32: element after element, positions in SIMD lanes
 *     values  kvHeads x 32 x valueWidth: position after position (valueWidth = headWidth rounded
 *             up to 4; what lies between is never read into a result)
 */

/**
 * Stores one position's key and value rows (all heads) into its slot (0..31) of a page.
 *
 * @returns 1, or 0 when an element has no finite f16 (with `half` only)
 */
export function storeKeyValue(
  page: usize,
  slot: i32,
  key: usize,
  value: usize,
  kvHeads: i32,
  headWidth: i32,
  valueWidth: i32,
  half: i32,
): i32 {
  const values = page + (<usize> (kvHeads * headWidth) << (half ? 6 : 7));
  return storeHeads(page, values, slot, key, value, kvHeads, headWidth, valueWidth, half);
}

/** The same for some heads, whose keys lie from `keys` on and values from `values` on. */
export function storeHeads(
  keys: usize,
  values: usize,
  slot: i32,
  key: usize,
  value: usize,
  heads: i32,
  headWidth: i32,
  valueWidth: i32,
  half: i32,
): i32 {
  if (half) return storeHalves(keys, values, slot, key, value, heads, headWidth, valueWidth);
  const count = heads * headWidth;
  let to = keys + (<usize> slot << 2);
  for (let i = 0; i < count; i++) {
    store<f32>(to, load<f32>(key + (<usize> i << 2)));
    to += 128;
  }
  const rowBytes = <usize> valueWidth << 2;
  to = values + <usize> slot * rowBytes;
  for (let head = 0; head < heads; head++) {
    let e: usize = 0;
    for (; e + 16 <= <usize> headWidth << 2; e += 16) v128.store(to + e, v128.load(value + e));
    for (; e < <usize> headWidth << 2; e += 4) store<f32>(to + e, load<f32>(value + e));
    to += rowBytes << 5;
    value += <usize> headWidth << 2;
  }
  return 1;
}

function storeHalves(
  keys: usize,
  values: usize,
  slot: i32,
  key: usize,
  value: usize,
  kvHeads: i32,
  headWidth: i32,
  valueWidth: i32,
): i32 {
  const count = kvHeads * headWidth;
  let good = i32x4.splat(-1);
  let to = keys + (<usize> slot << 1);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const x = v128.load(key + (<usize> i << 2));
    const h = toHalves(x);
    good = v128.and(good, fits(x));
    v128.store16_lane(to, h, 0);
    v128.store16_lane(to, h, 2, 64);
    v128.store16_lane(to, h, 4, 128);
    v128.store16_lane(to, h, 6, 192);
    to += 256;
  }
  for (; i < count; i++) {
    const x = v128.load32_zero(key + (<usize> i << 2));
    good = v128.and(good, fits(x));
    v128.store16_lane(to, toHalves(x), 0);
    to += 64;
  }
  const rowBytes = <usize> valueWidth << 1;
  to = values + <usize> slot * rowBytes;
  for (let head = 0; head < kvHeads; head++) {
    for (let e = 0; e < headWidth; e++) {
      const x = v128.load32_zero(value + (<usize> e << 2));
      good = v128.and(good, fits(x));
      v128.store16_lane(to + (<usize> e << 1), toHalves(x), 0);
    }
    to += rowBytes << 5;
    value += <usize> headWidth << 2;
  }
  return i32(i32x4.all_true(good));
}

/** Whether lanes round to a finite f16: |x| < 65520. */
// @ts-ignore: decorator

@inline
function fits(x: v128): v128 {
  return f32x4.lt(f32x4.abs(x), f32x4.splat(65520));
}

/**
 * f32 lanes to f16 bits in the low halves of 32-bit lanes, nearest even, for lanes that fit.
 *
 * From 2^-14 on, bits are rounded as an integer and the exponent's bias moved by 112. Below, the
 * sum with 0.5 has steps of 2^-24, an f16's least, and its low bits count them.
 */
// @ts-ignore: decorator

@inline
function toHalves(x: v128): v128 {
  const a = v128.and(x, i32x4.splat(i32.MAX_VALUE));
  const odd = v128.and(i32x4.shr_u(a, 13), i32x4.splat(1));
  const rounded = i32x4.add(a, i32x4.add(odd, i32x4.splat(0xfff - (112 << 23))));
  const normal = i32x4.shr_u(rounded, 13);
  const shifted = f32x4.add(a, f32x4.splat(0.5));
  const tiny = i32x4.sub(shifted, f32x4.splat(0.5));
  const isTiny = i32x4.lt_s(a, i32x4.splat(0x38800000));
  const sign = v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000));
  return v128.or(v128.bitselect(tiny, normal, isTiny), sign);
}
