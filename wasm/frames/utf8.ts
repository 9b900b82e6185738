/**
 * UTF-8 validation, 16 bytes at a time, by the lookup method of Keiser and Lemire, "Validating UTF-8
 * In Less Than One Instruction Per Byte" (2020): three tables of 16 entries, indexed by the nibbles
 * of neighbouring bytes, each with a bit per kind of error; an error is a bit that all three have.
 */

// Kinds of error, as the paper names them.
const TOO_SHORT: u8 = 1 << 0; // a lead byte without enough continuations
const TOO_LONG: u8 = 1 << 1; // a continuation after ASCII
const OVERLONG_3: u8 = 1 << 2; // E0 80..9F
const TOO_LARGE: u8 = 1 << 3; // F4 90.. and above
const SURROGATE: u8 = 1 << 4; // ED A0..BF
const OVERLONG_2: u8 = 1 << 5; // C0, C1
const LARGE_OR_OVERLONG_4: u8 = 1 << 6; // F5.. 80..8F, or F0 80..8F
const TWO_CONTINUATIONS: u8 = 1 << 7;
const CARRY: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

// Tables, and masks that would be rebuilt in the loop if they were constants.
let firstHigh: v128 = i8x16(
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  <i8> TWO_CONTINUATIONS,
  <i8> TWO_CONTINUATIONS,
  <i8> TWO_CONTINUATIONS,
  <i8> TWO_CONTINUATIONS,
  TOO_SHORT | OVERLONG_2,
  TOO_SHORT,
  TOO_SHORT | OVERLONG_3 | SURROGATE,
  TOO_SHORT | TOO_LARGE | LARGE_OR_OVERLONG_4,
);
let firstLow: v128 = i8x16(
  <i8> (CARRY | OVERLONG_3 | OVERLONG_2 | LARGE_OR_OVERLONG_4),
  <i8> (CARRY | OVERLONG_2),
  <i8> CARRY,
  <i8> CARRY,
  <i8> (CARRY | TOO_LARGE),
  <i8> (CARRY | TOO_LARGE | LARGE_OR_OVERLONG_4),
  <i8> (CARRY | TOO_LARGE | LARGE_OR_OVERLONG_4),
  <i8> (CARRY | TOO_LARGE | LARGE_OR_OVERLONG_4),
  <i8> (CARRY | TOO_LARGE | LARGE_OR_OVERLONG_4),
  <i8> (CARRY | TOO_LARGE | LARGE_OR_OVERLONG_4),
  <i8> (CARRY | TOO_LARGE | LARGE_OR_OVERLONG_4),
  <i8> (CARRY | TOO_LARGE | LARGE_OR_OVERLONG_4),
  <i8> (CARRY | TOO_LARGE | LARGE_OR_OVERLONG_4),
  <i8> (CARRY | TOO_LARGE | LARGE_OR_OVERLONG_4 | SURROGATE),
  <i8> (CARRY | TOO_LARGE | LARGE_OR_OVERLONG_4),
  <i8> (CARRY | TOO_LARGE | LARGE_OR_OVERLONG_4),
);
let secondHigh: v128 = i8x16(
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  <i8> (TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | LARGE_OR_OVERLONG_4),
  <i8> (TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | TOO_LARGE),
  <i8> (TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE),
  <i8> (TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE),
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
);
let lowNibbles: v128 = i8x16.splat(15);
let lead3: v128 = i8x16.splat(0x60);
let lead4: v128 = i8x16.splat(0x70);
let topBits: v128 = i8x16.splat(<i8> 0x80);
let counting: v128 = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

/** Errors of 16 bytes `now` after the 16 bytes `before`: a sequence open at the end is none yet. */
export function errorsOf(before: v128, now: v128): v128 {
  const one = v128.shuffle<i8>(
    before,
    now,
    15,
    16,
    17,
    18,
    19,
    20,
    21,
    22,
    23,
    24,
    25,
    26,
    27,
    28,
    29,
    30,
  );
  const two = v128.shuffle<i8>(
    before,
    now,
    14,
    15,
    16,
    17,
    18,
    19,
    20,
    21,
    22,
    23,
    24,
    25,
    26,
    27,
    28,
    29,
  );
  const three = v128.shuffle<i8>(
    before,
    now,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    20,
    21,
    22,
    23,
    24,
    25,
    26,
    27,
    28,
  );
  const special = v128.and(
    v128.and(
      i8x16.swizzle(firstHigh, v128.and(i16x8.shr_u(one, 4), lowNibbles)),
      i8x16.swizzle(firstLow, v128.and(one, lowNibbles)),
    ),
    i8x16.swizzle(secondHigh, v128.and(i16x8.shr_u(now, 4), lowNibbles)),
  );
  // Where a third or fourth byte is due there must be two continuations, and nowhere else.
  const due = v128.or(i8x16.sub_sat_u(two, lead3), i8x16.sub_sat_u(three, lead4));
  return v128.xor(v128.and(due, topBits), special);
}

/** Whether `length` bytes at `p` have no top bit set. Reads nothing beyond them. */
export function isAscii(p: usize, length: u32): bool {
  if (length >= 16) {
    let all = v128.load(p + length - 16);
    for (let i: u32 = 0; i + 16 < length; i += 16) all = v128.or(all, v128.load(p + i));
    return i8x16.bitmask(all) == 0;
  }
  if (length >= 8) return ((load<u64>(p) | load<u64>(p + length - 8)) & 0x8080808080808080) == 0;
  let all: u32 = 0;
  for (let i: u32 = 0; i < length; i++) all |= load<u8>(p + i);
  return (all & 0x80) == 0;
}

/** Whether `length` bytes at `p` are whole UTF-8 sequences. Reads up to 15 bytes beyond them. */
export function isUtf8(p: usize, length: u32): bool {
  if (isAscii(p, length)) return true;
  let errors = i8x16.splat(0);
  let before = errors;
  let i: u32 = 0;
  for (; i + 16 <= length; i += 16) {
    const now = v128.load(p + i);
    errors = v128.or(errors, errorsOf(before, now));
    before = now;
  }
  // The rest, and zeros behind it: an open sequence before a zero is an error.
  const rest = i8x16.lt_u(counting, i8x16.splat(<i8> (length - i)));
  errors = v128.or(errors, errorsOf(before, v128.and(v128.load(p + i), rest)));
  return !v128.any_true(errors);
}

/** Bytes before the first sequence that is not UTF-8, or `length`: for naming an error's place. */
export function utf8Prefix(p: usize, length: u32): u32 {
  let i: u32 = 0;
  while (i < length) {
    const size = sequenceBytes(p + i, length - i);
    if (size == 0) return i;
    i += size;
  }
  return length;
}

/** Bytes of the sequence at `p`, of which `left` > 0 bytes are there; 0 if it is not one. */
function sequenceBytes(p: usize, left: u32): u32 {
  const lead = load<u8>(p);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const size: u32 = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (left < size) return 0;
  const second = load<u8>(p, 1);
  const low: u8 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const high: u8 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i: u32 = 2; i < size; i++) if ((load<u8>(p + i) & 0xc0) != 0x80) return 0;
  return size;
}
