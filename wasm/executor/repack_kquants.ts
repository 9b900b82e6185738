/**
 * Repacking of formats with blocks of 256 columns.
 */
import {
  KIND_Q2K_PLAIN,
  KIND_Q3K_PLAIN,
  KIND_Q4K_PLAIN,
  KIND_Q5K_PLAIN,
  KIND_Q6K_PLAIN,
} from "./constants";
import { rowAt, storeScales } from "./repack_blocks";
import { storeFives, storeNibbles, storeOnes, storeSixes, storeTwos } from "./repack_store";
import { subScale, weightsOf256 } from "./repack_weights";

/** Q2_K. */
export function repackQ2k(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackKQuants(KIND_Q2K_PLAIN, dst, src, blocks, rows);
}

/** Q3_K. */
export function repackQ3k(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackKQuants(KIND_Q3K_PLAIN, dst, src, blocks, rows);
}

/** Q4_K. */
export function repackQ4k(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackKQuants(KIND_Q4K_PLAIN, dst, src, blocks, rows);
}

/** Q5_K. */
export function repackQ5k(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackKQuants(KIND_Q5K_PLAIN, dst, src, blocks, rows);
}

/** Q6_K. */
export function repackQ6k(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackKQuants(KIND_Q6K_PLAIN, dst, src, blocks, rows);
}

// @ts-ignore: decorator

@inline
function fileBlockBytes(format: i32): usize {
  if (format == KIND_Q2K_PLAIN) return 84;
  if (format == KIND_Q3K_PLAIN) return 110;
  if (format == KIND_Q4K_PLAIN) return 144;
  return format == KIND_Q5K_PLAIN ? 176 : 210;
}

/** Where the block's f16 scale is. */
// @ts-ignore: decorator

@inline
function scaleAt(format: i32): usize {
  if (format == KIND_Q2K_PLAIN) return 80;
  if (format == KIND_Q3K_PLAIN) return 108;
  return format == KIND_Q6K_PLAIN ? 208 : 0;
}

// @ts-ignore: decorator

@inline
function hasMinimum(format: i32): bool {
  return format != KIND_Q3K_PLAIN && format != KIND_Q6K_PLAIN;
}

// @ts-ignore: decorator

@inline
function repackKQuants(format: i32, dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  let bad = 0;
  const rowBytes = <usize> (blocks >> 3) * fileBlockBytes(format);
  for (let row = 0; row < rows; row += 8) {
    const present = min(8, rows - row);
    for (let p = src; p < src + rowBytes; p += fileBlockBytes(format)) {
      bad += storeScales(dst, p + scaleAt(format), rowBytes, present);
      dst += 16;
      if (hasMinimum(format)) {
        bad += storeScales(dst, p + scaleAt(format) + 2, rowBytes, present);
        v128.store(dst, v128.xor(v128.load(dst), i16x8.splat(-32768))); // to be added
        dst += 16;
      }
      for (let s = 0; s < 8; s++) {
        for (let r = 0; r < 8; r++) {
          const at = rowAt(p, rowBytes, present, r);
          store<u8>(dst + <usize> r, <u8> subScale(format, at, s, 0));
          store<u8>(dst + <usize> r, <u8> subScale(format, at, s, 1), 8);
        }
        dst = storeWeights(format, dst + 16, p, rowBytes, present, s);
      }
    }
    src += rowBytes << 3;
  }
  return bad;
}

// @ts-ignore: decorator

@inline
function storeWeights(
  format: i32,
  to: usize,
  p: usize,
  rowBytes: usize,
  present: i32,
  s: i32,
): usize {
  for (let h = 0; h < 2; h++) {
    const r0 = weightsOf256(format, p, s, h);
    const r1 = weightsOf256(format, rowAt(p, rowBytes, present, 1), s, h);
    const r2 = weightsOf256(format, rowAt(p, rowBytes, present, 2), s, h);
    const r3 = weightsOf256(format, rowAt(p, rowBytes, present, 3), s, h);
    const r4 = weightsOf256(format, rowAt(p, rowBytes, present, 4), s, h);
    const r5 = weightsOf256(format, rowAt(p, rowBytes, present, 5), s, h);
    const r6 = weightsOf256(format, rowAt(p, rowBytes, present, 6), s, h);
    const r7 = weightsOf256(format, rowAt(p, rowBytes, present, 7), s, h);
    if (format == KIND_Q2K_PLAIN || format == KIND_Q3K_PLAIN) {
      storeTwos(to, h, r0, r1, r2, r3, r4, r5, r6, r7);
      if (format == KIND_Q3K_PLAIN) storeOnes(to + 64, h, r0, r1, r2, r3, r4, r5, r6, r7, 2);
    } else if (format == KIND_Q6K_PLAIN) {
      storeSixes(to, h, r0, r1, r2, r3, r4, r5, r6, r7);
    } else if (format == KIND_Q5K_PLAIN) {
      storeFives(to, h, r0, r1, r2, r3, r4, r5, r6, r7);
    } else {
      storeNibbles(to, h, r0, r1, r2, r3, r4, r5, r6, r7);
    }
  }
  if (format == KIND_Q2K_PLAIN) return to + 64;
  if (format == KIND_Q3K_PLAIN) return to + 96;
  if (format == KIND_Q4K_PLAIN) return to + 128;
  return to + (format == KIND_Q5K_PLAIN ? 160 : 192);
}
