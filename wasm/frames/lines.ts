/** Lines that end in LF (NDJSON): 64 bytes at a time, UTF-8 in the same pass. */
import { DONE, finish, INVALID_UTF8, RECORDS, TABLE_FULL, TOO_LONG } from "./map";
import { errorsOf, isUtf8, utf8Prefix } from "./utf8";

/** Positions of LF among the 64 bytes of four vectors, a bit each. */
// @ts-ignore: decorator
@inline
function feeds(a: v128, b: v128, c: v128, d: v128): u64 {
  const feed = i8x16.splat(10);
  return <u64> i8x16.bitmask(i8x16.eq(a, feed)) |
    (<u64> i8x16.bitmask(i8x16.eq(b, feed)) << 16) |
    (<u64> i8x16.bitmask(i8x16.eq(c, feed)) << 32) |
    (<u64> i8x16.bitmask(i8x16.eq(d, feed)) << 48);
}

/**
 * Lines in `length` bytes at `p`, of at most `bytesMax` without their LF. Returns how many are in the
 * table. Reads up to 63 bytes beyond the end. A line that is too long is refused before its end is
 * there.
 */
export function scanLines(p: usize, length: u32, bytesMax: u32, recordsMax: u32, utf8: bool): u32 {
  let start: u32 = 0;
  let to = RECORDS;
  const end = RECORDS + (<usize> recordsMax << 3);
  let errors = i8x16.splat(0);
  let before = errors;
  // Vectors since the last one that was not ASCII: only the one before it can leave a sequence open.
  let mixed = false;
  for (let at: u32 = 0; at < length; at += 64) {
    const q = p + at;
    const a = v128.load(q), b = v128.load(q, 16), c = v128.load(q, 32), d = v128.load(q, 48);
    let found = feeds(a, b, c, d);
    const left = length - at;
    if (left < 64) found &= (<u64> 1 << left) - 1;
    if (utf8 && (mixed || i8x16.bitmask(v128.or(v128.or(a, b), v128.or(c, d))) != 0)) {
      errors = v128.or(errors, v128.or(errorsOf(before, a), errorsOf(a, b)));
      errors = v128.or(errors, v128.or(errorsOf(b, c), errorsOf(c, d)));
      mixed = i8x16.bitmask(d) != 0;
    }
    before = d;
    while (found != 0) {
      const feed = at + <u32> ctz<u64>(found);
      found &= found - 1;
      const bytes = feed - start;
      if (bytes > bytesMax) return lines(p, to, errors, TOO_LONG, start, start);
      if (to == end) return lines(p, to, errors, TABLE_FULL, start, 0);
      store<u32>(to, start);
      store<u32>(to, bytes, 4);
      to += 8;
      start = feed + 1;
    }
  }
  if (length - start > bytesMax) return lines(p, to, errors, TOO_LONG, start, start);
  return lines(p, to, errors, DONE, start, 0);
}

/**
 * Ends a scan; when some byte was wrong, looks for the first line that has it. There may be none: the
 * byte is then in the bytes behind the last line.
 */
function lines(p: usize, to: usize, errors: v128, status: u32, consumed: u32, error: u32): u32 {
  const n = <u32> ((to - RECORDS) >> 3);
  if (v128.any_true(errors)) {
    for (let i: u32 = 0; i < n; i++) {
      const record = RECORDS + (<usize> i << 3);
      const start = load<u32>(record);
      const bytes = load<u32>(record, 4);
      if (isUtf8(p + start, bytes)) continue;
      return finish(i, INVALID_UTF8, start, start + utf8Prefix(p + start, bytes), 0);
    }
  }
  return finish(n, status, consumed, error, 0);
}
