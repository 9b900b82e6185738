/** Frames of a 4-byte big-endian length and as many bytes. */
import { DONE, finish, INVALID_UTF8, RECORDS, TABLE_FULL, TOO_LONG } from "./map";
import { isUtf8, utf8Prefix } from "./utf8";

/**
 * Frames in `length` bytes at `p`, of at most `bytesMax` each. Returns how many are in the table.
 *
 * A length is compared with its limit before anything else is looked at, so also when its bytes are
 * not there.
 */
export function scanLengths(
  p: usize,
  length: u32,
  bytesMax: u32,
  recordsMax: u32,
  utf8: bool,
): u32 {
  let at: u32 = 0;
  let n: u32 = 0;
  let to = RECORDS;
  while (length - at >= 4) {
    const bytes = bswap<u32>(load<u32>(p + at));
    if (bytes > bytesMax) return finish(n, TOO_LONG, at, at, 0);
    if (bytes > length - at - 4) return finish(n, DONE, at, 0, bytes + 4);
    if (n == recordsMax) return finish(n, TABLE_FULL, at, 0, 0);
    const start = at + 4;
    if (utf8 && !isUtf8(p + start, bytes)) {
      return finish(n, INVALID_UTF8, at, start + utf8Prefix(p + start, bytes), 0);
    }
    store<u32>(to, start);
    store<u32>(to, bytes, 4);
    to += 8;
    n++;
    at = start + bytes;
  }
  return finish(n, DONE, at, 0, at < length ? 4 : 0);
}
