/**
 * Repacking of formats with blocks of 32 columns.
 */
import {
  KIND_IQ4_NEITHER,
  KIND_Q41_PLAIN,
  KIND_Q4_PLAIN,
  KIND_Q50_PLAIN,
  KIND_Q51_PLAIN,
  KIND_Q8_NEITHER,
} from "./constants";
import { notFinite } from "./repack_parts";
import { storeBytes, storeFives, storeNibbles, storeTwins } from "./repack_store";
import { weights } from "./repack_weights";

/** Instead of a bit to flip: bytes of two rows to a word. */
const TWINS: i8 = 1;

/** Q8_0 for plain SIMD: bytes of two rows to a word. */
export function repackQ8Twins(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackBlocks(KIND_Q8_NEITHER, dst, src, blocks, rows, TWINS);
}

/** Q8_0, as the file has it. */
export function repackQ8(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackBlocks(KIND_Q8_NEITHER, dst, src, blocks, rows, 0);
}

/** Q8_0, bytes stored as w + 128. */
export function repackQ8Flipped(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackBlocks(KIND_Q8_NEITHER, dst, src, blocks, rows, -128);
}

/** Q4_0. */
export function repackQ4(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackBlocks(KIND_Q4_PLAIN, dst, src, blocks, rows, 0);
}

/** IQ4_NL. */
export function repackIq4(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackBlocks(KIND_IQ4_NEITHER, dst, src, blocks, rows, 0);
}

/** Q4_1. */
export function repackQ41(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackBlocks(KIND_Q41_PLAIN, dst, src, blocks, rows, 0);
}

/** Q5_0. */
export function repackQ50(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackBlocks(KIND_Q50_PLAIN, dst, src, blocks, rows, 0);
}

/** Q5_1. */
export function repackQ51(dst: usize, src: usize, blocks: i32, rows: i32): i32 {
  return repackBlocks(KIND_Q51_PLAIN, dst, src, blocks, rows, 0);
}

// @ts-ignore: decorator

@inline
function hasMinimum(format: i32): bool {
  return format == KIND_Q41_PLAIN || format == KIND_Q51_PLAIN;
}

// @ts-ignore: decorator

@inline
function hasFives(format: i32): bool {
  return format == KIND_Q50_PLAIN || format == KIND_Q51_PLAIN;
}

// @ts-ignore: decorator

@inline
function fileBlockBytes(format: i32): usize {
  if (format == KIND_Q8_NEITHER) return 34;
  return 18 + (hasMinimum(format) ? 2 : 0) + (hasFives(format) ? 4 : 0);
}

// @ts-ignore: decorator

@inline
function repackBlocks(
  format: i32,
  dst: usize,
  src: usize,
  blocks: i32,
  rows: i32,
  flip: i8,
): i32 {
  let bad = 0;
  const rowBytes = <usize> blocks * fileBlockBytes(format);
  for (let row = 0; row < rows; row += 8) {
    const present = min(8, rows - row);
    let p = src;
    for (let b = 0; b < blocks; b++) {
      bad += storeScales(dst, p, rowBytes, present);
      dst += 16;
      if (hasMinimum(format)) {
        bad += storeScales(dst, p + 2, rowBytes, present);
        dst += 16;
      }
      dst = storeWeights(format, dst, p, rowBytes, present, flip);
      p += fileBlockBytes(format);
    }
    src += rowBytes << 3;
  }
  return bad;
}

/** The f16 of each row at `p`, and 0 for rows that are not there. */
export function storeScales(to: usize, p: usize, rowBytes: usize, present: i32): i32 {
  let bad = 0;
  for (let r = 0; r < 8; r++) {
    const scale = r < present ? <i32> load<u16>(p) : 0;
    bad += notFinite(scale);
    store<u16>(to + (<usize> r << 1), <u16> scale);
    p += rowBytes;
  }
  return bad;
}

/** Weights of a row that is not there are those of the first: its scales are zero. */
// @ts-ignore: decorator

@inline
export function rowAt(p: usize, rowBytes: usize, present: i32, r: i32): usize {
  return r < present ? p + <usize> r * rowBytes : p;
}

// @ts-ignore: decorator

@inline
function storeWeights(
  format: i32,
  to: usize,
  p: usize,
  rowBytes: usize,
  present: i32,
  flip: i8,
): usize {
  for (let h = 0; h < 2; h++) {
    const r0 = weights(format, p, h);
    const r1 = weights(format, rowAt(p, rowBytes, present, 1), h);
    const r2 = weights(format, rowAt(p, rowBytes, present, 2), h);
    const r3 = weights(format, rowAt(p, rowBytes, present, 3), h);
    const r4 = weights(format, rowAt(p, rowBytes, present, 4), h);
    const r5 = weights(format, rowAt(p, rowBytes, present, 5), h);
    const r6 = weights(format, rowAt(p, rowBytes, present, 6), h);
    const r7 = weights(format, rowAt(p, rowBytes, present, 7), h);
    if (flip == TWINS) storeTwins(to, h, r0, r1, r2, r3, r4, r5, r6, r7);
    else if (format == KIND_Q8_NEITHER) storeBytes(to, h, r0, r1, r2, r3, r4, r5, r6, r7, flip);
    else if (hasFives(format)) storeFives(to, h, r0, r1, r2, r3, r4, r5, r6, r7);
    else storeNibbles(to, h, r0, r1, r2, r3, r4, r5, r6, r7);
  }
  return to + (format == KIND_Q8_NEITHER ? 256 : hasFives(format) ? 160 : 128);
}
