/**
 * Repacking at load: 8 rows of the file become one group whose SIMD lanes are rows (constants.ts
 * draws the groups). Missing rows of the last group become zeros.
 */
import {
  KIND_BF16,
  KIND_F16,
  KIND_F32,
  KIND_IQ4_NEITHER,
  KIND_Q2K_PLAIN,
  KIND_Q2K_RELAXED,
  KIND_Q3K_PLAIN,
  KIND_Q3K_RELAXED,
  KIND_Q41_PLAIN,
  KIND_Q41_RELAXED,
  KIND_Q4_PLAIN,
  KIND_Q4_RELAXED,
  KIND_Q4K_PLAIN,
  KIND_Q4K_RELAXED,
  KIND_Q50_PLAIN,
  KIND_Q50_RELAXED,
  KIND_Q51_PLAIN,
  KIND_Q51_RELAXED,
  KIND_Q5K_PLAIN,
  KIND_Q5K_RELAXED,
  KIND_Q6K_PLAIN,
  KIND_Q6K_RELAXED,
  KIND_Q8_NEITHER,
  KIND_Q8_UNSIGNED,
  KIND_Q8_UNSIGNED_EMULATED,
} from "./constants";
import {
  repackIq4,
  repackQ4,
  repackQ41,
  repackQ50,
  repackQ51,
  repackQ8,
  repackQ8Flipped,
  repackQ8Twins,
} from "./repack_blocks";
import { repackFloats, repackHalves } from "./repack_plain";
import { repackQ2k, repackQ3k, repackQ4k, repackQ5k, repackQ6k } from "./repack_kquants";

/**
 * Packs `rows` rows of the file's bytes at `src` into groups of 8 at `dst`.
 *
 * @returns how many weights (plain types) or scales (the others) are not finite
 */
export function repack(kind: i32, dst: usize, src: usize, columns: i32, rows: i32): i32 {
  const blocks = columns >> 5;
  switch (kind) {
    case KIND_F32:
      return repackFloats(dst, src, columns, rows);
    case KIND_F16:
      return repackHalves(dst, src, columns, rows, 0x7c00);
    case KIND_BF16:
      return repackHalves(dst, src, columns, rows, 0x7f80);
    case KIND_Q8_UNSIGNED:
    case KIND_Q8_UNSIGNED_EMULATED:
      return repackQ8Flipped(dst, src, blocks, rows);
    case KIND_Q4_PLAIN:
    case KIND_Q4_RELAXED:
      return repackQ4(dst, src, blocks, rows);
    case KIND_Q41_PLAIN:
    case KIND_Q41_RELAXED:
      return repackQ41(dst, src, blocks, rows);
    case KIND_Q50_PLAIN:
    case KIND_Q50_RELAXED:
      return repackQ50(dst, src, blocks, rows);
    case KIND_Q51_PLAIN:
    case KIND_Q51_RELAXED:
      return repackQ51(dst, src, blocks, rows);
    case KIND_Q2K_PLAIN:
    case KIND_Q2K_RELAXED:
      return repackQ2k(dst, src, blocks, rows);
    case KIND_Q3K_PLAIN:
    case KIND_Q3K_RELAXED:
      return repackQ3k(dst, src, blocks, rows);
    case KIND_Q4K_PLAIN:
    case KIND_Q4K_RELAXED:
      return repackQ4k(dst, src, blocks, rows);
    case KIND_Q5K_PLAIN:
    case KIND_Q5K_RELAXED:
      return repackQ5k(dst, src, blocks, rows);
    case KIND_Q6K_PLAIN:
    case KIND_Q6K_RELAXED:
      return repackQ6k(dst, src, blocks, rows);
    default:
      return kind >= KIND_IQ4_NEITHER
        ? repackIq4(dst, src, blocks, rows)
        : kind == KIND_Q8_NEITHER
        ? repackQ8Twins(dst, src, blocks, rows)
        : repackQ8(dst, src, blocks, rows);
  }
}
