/**
 * What merging asks of a vocabulary.
 */

/** Which pairs of symbols merge. */
export interface Merges {
  /** The rank of a pair, below 2^22, or `NO_RANK`. */
  rank(left: number, right: number): number;
  /** The symbol that a pair with a rank becomes; never one that was there before. */
  joined(left: number, right: number): number;
}

/** No merge joins a pair. */
export const NO_RANK = -1;
