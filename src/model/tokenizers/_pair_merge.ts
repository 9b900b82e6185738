/**
 * Merging of symbols by rank, as byte-pair encoding does it: the pair of the least rank is joined,
 * leftmost first among equals, until no pair has a rank.
 *
 * Short pieces, which are nearly all, are scanned for their best pair again after each merge; long
 * ones go through a heap over a linked list, in O(n log n).
 */
import { KeyHeap } from "./_key_heap.ts";
import { NO_VALUE as NO_RANK, type PairTable } from "./_pair_table.ts";

/** Which pairs merge, and into what. */
export interface Merges {
  readonly ranks: PairTable;
  /** Rank to the symbol that the pair becomes. */
  readonly merged: Int32Array;
}

/** Pieces up to this many symbols are scanned; at most a few thousand steps. */
const SCAN_SYMBOLS_MAX = 64;
const NONE = -1;
/** A heap's key is `rank * POSITIONS + position`, exact below 2^53 for any rank below 2^22. */
const POSITIONS = 2 ** 31;

/**
 * Merges `symbols` in place.
 *
 * @param symbols overwritten; the merged ones come first
 * @returns how many symbols are left
 */
export function mergeSymbols(symbols: Int32Array, merges: Merges): number {
  return symbols.length <= SCAN_SYMBOLS_MAX
    ? mergeByScan(symbols, merges)
    : mergeByHeap(symbols, merges);
}

const scanRanks = new Int32Array(SCAN_SYMBOLS_MAX);

function mergeByScan(symbols: Int32Array, { ranks, merged }: Merges): number {
  const rankOf = scanRanks;
  let count = symbols.length;
  const rankAt = (at: number): number => {
    return at < 0 || at + 1 >= count ? NO_RANK : ranks.get(symbols[at] ?? 0, symbols[at + 1] ?? 0);
  };
  for (let i = 0; i < count; i++) rankOf[i] = rankAt(i);
  while (count > 1) {
    let best = NONE;
    let bestRank = Infinity;
    for (let i = 0; i + 1 < count; i++) {
      const rank = rankOf[i] ?? NO_RANK;
      if (rank !== NO_RANK && rank < bestRank) {
        best = i;
        bestRank = rank;
      }
    }
    if (best === NONE) break;
    symbols[best] = merged[bestRank] ?? 0;
    symbols.copyWithin(best + 1, best + 2, count);
    rankOf.copyWithin(best + 1, best + 2, count);
    count--;
    rankOf[best] = rankAt(best);
    if (best > 0) rankOf[best - 1] = rankAt(best - 1);
  }
  return count;
}

function mergeByHeap(symbols: Int32Array, { ranks, merged }: Merges): number {
  const count = symbols.length;
  const next = Int32Array.from(symbols, (_, i) => i + 1 < count ? i + 1 : NONE);
  const previous = Int32Array.from(symbols, (_, i) => i - 1);
  /** Symbol to the rank of the pair that it begins, which tells stale keys. */
  const rankOf = new Int32Array(count).fill(NO_RANK);
  const heap = new KeyHeap();
  const propose = (left: number): void => {
    const right = next[left] ?? NONE;
    const rank = right === NONE ? NO_RANK : ranks.get(symbols[left] ?? 0, symbols[right] ?? 0);
    rankOf[left] = rank;
    if (rank !== NO_RANK) heap.push(rank * POSITIONS + left);
  };
  for (let i = 0; i < count; i++) propose(i);
  for (let key = heap.pop(); key !== undefined; key = heap.pop()) {
    const rank = Math.floor(key / POSITIONS);
    const left = key - rank * POSITIONS;
    if (rankOf[left] !== rank) continue;
    const right = next[left] ?? NONE;
    const after = next[right] ?? NONE;
    symbols[left] = merged[rank] ?? 0;
    rankOf[right] = NO_RANK;
    next[left] = after;
    if (after !== NONE) previous[after] = left;
    propose(left);
    const before = previous[left] ?? NONE;
    if (before !== NONE) propose(before);
  }
  return gather(symbols, next);
}

/** Moves the symbols of the list to the front. */
function gather(symbols: Int32Array, next: Int32Array): number {
  let count = 0;
  for (let i = 0; i !== NONE; i = next[i] ?? NONE) symbols[count++] = symbols[i] ?? 0;
  return count;
}
