/**
 * Repacking at load: 8 rows of the file become one group whose SIMD lanes are rows.
 *
 * Plain types: column after column, 8 values each. Q8_0 and Q4_0: see constants.ts. Missing rows of
 * the last group become zeros. Both return how many weights or scales are not finite.
 */
import { Q4_BLOCK_BYTES, Q8_BLOCK_BYTES } from "./constants";

/** Packs `rows` (1 to 8) rows of F32 (`exponent` 0x7f800000) or of 16-bit values at `src`. */
export function repackPlain(
  dst: usize,
  src: usize,
  columns: i32,
  rows: i32,
  bytes: i32,
  exponent: u32,
): i32 {
  let bad = 0;
  memory.fill(dst, 0, <usize> columns * <usize> bytes * 8);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < columns; k++) {
      const from = src + <usize> (r * columns + k) * <usize> bytes;
      const to = dst + <usize> (k * 8 + r) * <usize> bytes;
      if (bytes == 4) {
        const value = load<u32>(from);
        bad += i32((value & exponent) == exponent);
        store<u32>(to, value);
      } else {
        const value = <u32> load<u16>(from);
        bad += i32((value & exponent) == exponent);
        store<u16>(to, <u16> value);
      }
    }
  }
  return bad;
}

/**
 * Packs `rows` rows of `blocks` blocks; `flip` is 0x80 when bytes are stored as w + 128, else 0.
 */
export function repackBlocks(
  dst: usize,
  src: usize,
  blocks: i32,
  rows: i32,
  nibbles: bool,
  flip: u32,
): i32 {
  let bad = 0;
  const blockBytes: usize = nibbles ? 18 : 34;
  for (let b = 0; b < blocks; b++) {
    const to = dst + <usize> b * (nibbles ? Q4_BLOCK_BYTES : Q8_BLOCK_BYTES);
    for (let r = 0; r < 8; r++) {
      const from = src + (<usize> (r * blocks) + <usize> b) * blockBytes;
      const present = r < rows;
      const scale = present ? load<u16>(from) : 0;
      bad += i32((scale & 0x7c00) == 0x7c00);
      store<u16>(to + <usize> r * 2, scale);
      if (nibbles) putNibbles(to + 16, from + 2, r, present);
      else putBytes(to + 16 + (<usize> r << 2), from + 2, present, flip * 0x01010101);
    }
  }
  return bad;
}

// @ts-ignore: decorator

@inline
function putBytes(to: usize, from: usize, present: bool, flip: u32): void {
  for (let j: usize = 0; j < 8; j++) {
    store<u32>(to + j * 32, (present ? load<u32>(from + j * 4) : 0) ^ flip);
  }
}

/** Columns 0-15 are the low nibbles of the 16 bytes, columns 16-31 the high ones. */
// @ts-ignore: decorator

@inline
function putNibbles(to: usize, from: usize, r: i32, present: bool): void {
  const lane = to + (<usize> (r & 3) << 2);
  for (let j: usize = 0; j < 4; j++) {
    const bytes = present ? load<u32>(from + j * 4) : 0x88888888;
    const low = bytes & 0x0f0f0f0f;
    const high = (bytes >> 4) & 0x0f0f0f0f;
    if (r < 4) {
      store<u32>(lane + j * 16, low);
      store<u32>(lane + (j + 4) * 16, high);
    } else {
      store<u32>(lane + j * 16, load<u32>(lane + j * 16) | (low << 4));
      store<u32>(lane + (j + 4) * 16, load<u32>(lane + (j + 4) * 16) | (high << 4));
    }
  }
}
