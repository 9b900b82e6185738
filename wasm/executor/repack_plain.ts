/**
 * Repacking of F32, F16 and BF16: column after column, 8 rows each.
 */

/** F32. */
export function repackFloats(dst: usize, src: usize, columns: i32, rows: i32): i32 {
  let bad = 0;
  const rowBytes = <usize> columns << 2;
  for (let row = 0; row < rows; row += 8) {
    let k = 0;
    if (rows - row >= 8) {
      for (; k + 4 <= columns; k += 4) {
        const to = dst + (<usize> k << 5), from = src + (<usize> k << 2);
        bad += fourFloats(to, from, rowBytes) + fourFloats(to + 16, from + (rowBytes << 2), rowBytes);
      }
    }
    bad += repackColumns<u32>(dst, src, columns, min(8, rows - row), k, 0x7f800000);
    src += rowBytes << 3;
    dst += rowBytes << 3;
  }
  return bad;
}

/** F16 (`exponent` 0x7c00) or BF16 (0x7f80). */
export function repackHalves(
  dst: usize,
  src: usize,
  columns: i32,
  rows: i32,
  exponent: u16,
): i32 {
  let bad = 0;
  const rowBytes = <usize> columns << 1;
  for (let row = 0; row < rows; row += 8) {
    let k = 0;
    if (rows - row >= 8) {
      for (; k + 8 <= columns; k += 8) {
        bad += eightHalves(dst + (<usize> k << 4), src + (<usize> k << 1), rowBytes, exponent);
      }
    }
    bad += repackColumns<u16>(dst, src, columns, min(8, rows - row), k, exponent);
    src += rowBytes << 3;
    dst += rowBytes << 3;
  }
  return bad;
}

/** Columns from `k` on of up to 8 rows, one by one; missing rows become zeros. */
function repackColumns<T>(
  dst: usize,
  src: usize,
  columns: i32,
  rows: i32,
  k: i32,
  exponent: T,
): i32 {
  let bad = 0;
  for (; k < columns; k++) {
    for (let r = 0; r < 8; r++) {
      const value = r < rows ? load<T>(src + <usize> (r * columns + k) * sizeof<T>()) : 0;
      bad += i32((value & exponent) == exponent);
      store<T>(dst + <usize> (k * 8 + r) * sizeof<T>(), value);
    }
  }
  return bad;
}

/** Four columns of four rows; a column's rows are 32 bytes from the next column's. */
// @ts-ignore: decorator

@inline
function fourFloats(to: usize, from: usize, rowBytes: usize): i32 {
  const a = v128.load(from), b = v128.load(from + rowBytes);
  const c = v128.load(from + 2 * rowBytes), d = v128.load(from + 3 * rowBytes);
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const ef = v128.shuffle<i32>(a, b, 2, 6, 3, 7), gh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
  v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3), 32);
  v128.store(to, v128.shuffle<i64>(ef, gh, 0, 2), 64);
  v128.store(to, v128.shuffle<i64>(ef, gh, 1, 3), 96);
  return (badFloats(a) + badFloats(b)) + (badFloats(c) + badFloats(d));
}

// @ts-ignore: decorator

@inline
function badFloats(v: v128): i32 {
  const exponent = i32x4.splat(0x7f800000);
  return popcnt(i32x4.bitmask(i32x4.eq(v128.and(v, exponent), exponent)));
}

/** Eight columns of eight rows: halves, then pairs of them, then fours change places. */
// @ts-ignore: decorator

@inline
function eightHalves(to: usize, from: usize, rowBytes: usize, exponent: u16): i32 {
  const mask = i16x8.splat(exponent);
  let bad = 0;
  for (let half: usize = 0; half < 2; half++) {
    const at = from + half * (rowBytes << 2);
    const a = v128.load(at), b = v128.load(at + rowBytes);
    const c = v128.load(at + 2 * rowBytes), d = v128.load(at + 3 * rowBytes);
    bad += (badHalves(a, mask) + badHalves(b, mask)) + (badHalves(c, mask) + badHalves(d, mask));
    const ab = v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    const cd = v128.shuffle<i16>(c, d, 0, 8, 1, 9, 2, 10, 3, 11);
    const ef = v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    const gh = v128.shuffle<i16>(c, d, 4, 12, 5, 13, 6, 14, 7, 15);
    storeFours(to + (half << 3), v128.shuffle<i32>(ab, cd, 0, 4, 1, 5));
    storeFours(to + (half << 3) + 32, v128.shuffle<i32>(ab, cd, 2, 6, 3, 7));
    storeFours(to + (half << 3) + 64, v128.shuffle<i32>(ef, gh, 0, 4, 1, 5));
    storeFours(to + (half << 3) + 96, v128.shuffle<i32>(ef, gh, 2, 6, 3, 7));
  }
  return bad;
}

/** Two columns of four rows. */
// @ts-ignore: decorator

@inline
function storeFours(to: usize, columns: v128): void {
  v128.store64_lane(to, columns, 0);
  v128.store64_lane(to + 16, columns, 1);
}

// @ts-ignore: decorator

@inline
function badHalves(v: v128, mask: v128): i32 {
  return popcnt(i16x8.bitmask(i16x8.eq(v128.and(v, mask), mask)));
}
