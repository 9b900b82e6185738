/**
 * A hash table from pairs of symbols to the rank of their merge, in typed arrays.
 *
 * Vocabularies have up to half a million merges, and every byte of a text asks for one: a Map with
 * pairs for keys would cost some ten times the memory.
 */

const EMPTY = -1;
/** No merge joins a pair. */
export const NO_RANK = -1;

/** Pairs of non-negative integers to ranks. */
export class PairTable {
  readonly #mask: number;
  /** left, right, rank of each slot. */
  readonly #slots: Int32Array;

  /** @param count most pairs that will be added */
  constructor(count: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(16, count * 2)));
    this.#mask = size - 1;
    this.#slots = new Int32Array(size * 3).fill(EMPTY);
  }

  /** Adds a pair; the first rank of a pair stays. */
  add(left: number, right: number, rank: number): void {
    const slot = this.#find(left, right);
    if (this.#slots[slot] !== EMPTY) return;
    this.#slots[slot] = left;
    this.#slots[slot + 1] = right;
    this.#slots[slot + 2] = rank;
  }

  /** The rank of a pair, or `NO_RANK`. */
  get(left: number, right: number): number {
    return this.#slots[this.#find(left, right) + 2] ?? NO_RANK;
  }

  #find(left: number, right: number): number {
    let hash = Math.imul(left, 0x9e37_79b1) ^ Math.imul(right, 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
    let slot = (hash ^ (hash >>> 13)) & this.#mask;
    while (true) {
      const at = slot * 3;
      const found = this.#slots[at];
      if (found === EMPTY || (found === left && this.#slots[at + 1] === right)) return at;
      slot = (slot + 1) & this.#mask;
    }
  }
}
