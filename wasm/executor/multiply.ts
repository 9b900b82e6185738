/**
 * Matrix by activations: chooses the kernel for a kind of packed matrix.
 *
 * `y` has `yStride` bytes per position; groups `from` to `to` of 8 rows are computed. Every kernel
 * sums a row in its own lane in the order of section 3, so a position's result does not depend on
 * how many positions or groups are computed together.
 */
import {
  KIND_BF16,
  KIND_F16,
  KIND_F32,
  KIND_Q4_PLAIN,
  KIND_Q4_RELAXED,
  KIND_Q8_NEITHER,
  KIND_Q8_SIGNED,
  KIND_Q8_SIGNED_EMULATED,
  KIND_Q8_UNSIGNED,
  KIND_Q8_UNSIGNED_EMULATED,
} from "./constants";
import { multiplyPlain } from "./multiply_plain";
import { multiplyBytes } from "./multiply_bytes";
import { multiplyWords } from "./multiply_words";

/**
 * Writes (or, with `add`, adds) the product of `positions` activations to `y`.
 *
 * @param x f32 activations for plain kinds, `xStride` bytes apart
 * @param bytes, words, meta what `quantise` wrote, `columns`, 2 * `columns` and `columns` / 2 apart
 */
export function multiply(
  kind: i32,
  y: usize,
  yStride: usize,
  w: usize,
  columns: i32,
  from: i32,
  to: i32,
  positions: i32,
  add: bool,
  x: usize,
  xStride: usize,
  bytes: usize,
  words: usize,
  meta: usize,
): void {
  const blocks = columns >> 5;
  switch (kind) {
    case KIND_F32:
      return multiplyPlain<f32>(y, yStride, w, columns, from, to, positions, add, x, xStride);
    case KIND_F16:
      return multiplyPlain<i16>(y, yStride, w, columns, from, to, positions, add, x, xStride);
    case KIND_BF16:
      return multiplyPlain<u16>(y, yStride, w, columns, from, to, positions, add, x, xStride);
    case KIND_Q8_NEITHER:
      return multiplyWords<i8>(y, yStride, w, blocks, from, to, positions, add, words, meta);
    case KIND_Q8_UNSIGNED:
      return multiplyBytes<u8>(y, yStride, w, blocks, from, to, positions, add, bytes, meta);
    case KIND_Q8_SIGNED:
      return multiplyBytes<i8>(y, yStride, w, blocks, from, to, positions, add, bytes, meta);
    case KIND_Q8_UNSIGNED_EMULATED:
      return multiplyBytes<u16>(y, yStride, w, blocks, from, to, positions, add, bytes, meta);
    case KIND_Q8_SIGNED_EMULATED:
      return multiplyBytes<i16>(y, yStride, w, blocks, from, to, positions, add, bytes, meta);
    case KIND_Q4_PLAIN:
      return multiplyWords<u8>(y, yStride, w, blocks, from, to, positions, add, words, meta);
    case KIND_Q4_RELAXED:
      return multiplyBytes<i32>(y, yStride, w, blocks, from, to, positions, add, bytes, meta);
    default:
      unreachable();
  }
}
