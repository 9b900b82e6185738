/**
 * Commands of the Redis protocol: arrays of bulk strings, `*<n> CR LF` then n times `$<bytes> CR LF
 * <bytes> CR LF` (redis.io, "RESP protocol spec", "Sending commands to a Redis server").
 *
 * Inline commands are not taken: they have no length that could be checked first.
 */
import {
  ARGUMENTS,
  ARGUMENTS_MAX,
  DONE,
  finish,
  INVALID_UTF8,
  RECORDS,
  TABLE_FULL,
  TOO_LONG,
  TOO_MANY,
  WRONG_COUNT,
  WRONG_END,
  WRONG_TYPE,
} from "./map";
import { isUtf8, utf8Prefix } from "./utf8";

const STAR: u32 = 42;
const DOLLAR: u32 = 36;

/** Digits of a count at most: more would not fit 32 bits. */
const DIGITS_MAX: u32 = 9;

/** What `readDigits` read, and the offset behind it. */
let count: u32 = 0;
let behind: u32 = 0;

const INCOMPLETE: u32 = 0xffffffff;

/** Reads `<mark><digits> CR LF` at `at`: DONE, INCOMPLETE, WRONG_TYPE or WRONG_COUNT. */
function readDigits(p: usize, at: u32, length: u32, mark: u32): u32 {
  if (at >= length) return INCOMPLETE;
  if (load<u8>(p + at) != mark) return WRONG_TYPE;
  let value: u32 = 0;
  let i = at + 1;
  const first = i;
  for (; i < length; i++) {
    const digit = <u32> load<u8>(p + i) - 48;
    if (digit > 9) break;
    if (i - first == DIGITS_MAX) return WRONG_COUNT;
    value = value * 10 + digit;
  }
  if (i - first > 1 && load<u8>(p + first) == 48) return WRONG_COUNT;
  if (i == length) return INCOMPLETE;
  if (i == first || load<u8>(p + i) != 13) return WRONG_COUNT;
  if (i + 1 == length) return INCOMPLETE;
  if (load<u8>(p + i + 1) != 10) return WRONG_COUNT;
  count = value;
  behind = i + 2;
  return DONE;
}

/**
 * Commands in `length` bytes at `p`: records of {offset, bytes, first argument, arguments}.
 *
 * @param bytesMax of a whole command; @param argumentsMax at most ARGUMENTS_MAX
 */
export function scanCommands(
  p: usize,
  length: u32,
  bytesMax: u32,
  recordsMax: u32,
  utf8: bool,
  argumentsMax: u32,
): u32 {
  let at: u32 = 0;
  let n: u32 = 0;
  let used: u32 = 0;
  while (at < length) {
    if (n == recordsMax) return finish(n, TABLE_FULL, at, 0, 0);
    // Counts of one digit, and lengths of one and two, are nearly all: they are read as one word,
    // which may lie partly beyond the end.
    const first = load<u32>(p + at);
    let total = (first >> 8 & 0xff) - 48;
    let next = at + 4;
    if ((first & 0xffff00ff) != (0x0a0d0000 | STAR) || total > 9 || next > length) {
      const head = readDigits(p, at, length, STAR);
      if (head == INCOMPLETE) return finish(n, DONE, at, 0, length - at + 1);
      if (head != DONE) return finish(n, head, at, at, 0);
      total = count;
      next = behind;
    }
    if (total > argumentsMax) return finish(n, TOO_MANY, at, at, 0);
    if (total > ARGUMENTS_MAX - used) return finish(n, TABLE_FULL, at, 0, 0);
    for (let i: u32 = 0; i < total; i++) {
      const word = load<u64>(p + next);
      const one = (<u32> word >> 8 & 0xff) - 48;
      const two = (<u32> word >> 16 & 0xff) - 48;
      let bytes = one;
      let start = next + 4;
      if ((<u32> word & 0xffff00ff) != (0x0a0d0000 | DOLLAR) || one > 9 || start > length) {
        bytes = one * 10 + two;
        start = next + 5;
        const short = (word & 0xffff0000ff) == (0x0a0d000000 | <u64> DOLLAR);
        if (!short || one - 1 > 8 || two > 9 || start > length) {
          const size = readDigits(p, next, length, DOLLAR);
          if (size == INCOMPLETE) {
            if (length - at > bytesMax) return finish(n, TOO_LONG, at, at, 0);
            return finish(n, DONE, at, 0, length - at + 1);
          }
          if (size != DONE) return finish(n, size, at, next, 0);
          bytes = count;
          start = behind;
        }
      }
      // Both are below 2^30, so the sum does not wrap.
      if (start - at + bytes + 2 > bytesMax) return finish(n, TOO_LONG, at, next, 0);
      const stop = start + bytes;
      if (stop + 2 > length) return finish(n, DONE, at, 0, stop + 2 - at);
      if (load<u16>(p + stop) != 0x0a0d) return finish(n, WRONG_END, at, stop, 0);
      if (utf8 && !isUtf8(p + start, bytes)) {
        return finish(n, INVALID_UTF8, at, start + utf8Prefix(p + start, bytes), 0);
      }
      const argument = ARGUMENTS + (<usize> (used + i) << 3);
      store<u32>(argument, start);
      store<u32>(argument, bytes, 4);
      next = stop + 2;
    }
    if (next - at > bytesMax) return finish(n, TOO_LONG, at, at, 0);
    const record = RECORDS + (<usize> n << 4);
    store<u32>(record, at);
    store<u32>(record, next - at, 4);
    store<u32>(record, used, 8);
    store<u32>(record, total, 12);
    used += total;
    n++;
    at = next;
  }
  return finish(n, DONE, at, 0, 0);
}
