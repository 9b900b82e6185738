/**
 * Merging of symbols by rank, as byte-pair encoding does it: the pair of the least rank is joined,
 * leftmost first among equals, until no pair has a rank.
 *
 * Short pieces, which are nearly all, are scanned for their best pair again after each merge; long
 * ones go through a linked list with queues.
 */
import { LongMerge } from "./_long_merge.ts";
import { NO_RANK } from "./_merges.ts";
import type { Merges } from "./_merges.ts";

/** Pieces up to this many symbols are scanned; at most a few thousand steps. */
const SCAN_SYMBOLS_MAX = 64;
const NONE = -1;

/**
 * Merges `symbols` in place.
 *
 * @param symbols overwritten; the merged ones come first
 * @returns how many symbols are left
 */
export function mergeSymbols(symbols: Int32Array, merges: Merges): number {
  return symbols.length <= SCAN_SYMBOLS_MAX
    ? mergeByScan(symbols, merges)
    : new LongMerge(symbols, merges).run();
}

const scanRanks = new Int32Array(SCAN_SYMBOLS_MAX);

function mergeByScan(symbols: Int32Array, merges: Merges): number {
  const ranks = scanRanks;
  let count = symbols.length;
  const rankAt = (at: number): number => {
    return at + 1 >= count ? NO_RANK : merges.rank(symbols[at] ?? 0, symbols[at + 1] ?? 0);
  };
  for (let i = 0; i < count; i++) ranks[i] = rankAt(i);
  while (count > 1) {
    let best = NONE;
    let bestRank = Infinity;
    for (let i = 0; i + 1 < count; i++) {
      const rank = ranks[i] ?? NO_RANK;
      if (rank !== NO_RANK && rank < bestRank) {
        best = i;
        bestRank = rank;
      }
    }
    if (best === NONE) break;
    symbols[best] = merges.joined(symbols[best] ?? 0, symbols[best + 1] ?? 0);
    symbols.copyWithin(best + 1, best + 2, count);
    ranks.copyWithin(best + 1, best + 2, count);
    count--;
    ranks[best] = rankAt(best);
    if (best > 0) ranks[best - 1] = rankAt(best - 1);
  }
  return count;
}
