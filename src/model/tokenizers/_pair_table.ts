/**
 * A hash table from pairs of numbers to numbers, in typed arrays: symbols to the rank of their merge,
 * node and byte to the next node.
 *
 * Vocabularies have up to half a million merges, and every byte of a text asks for one: a Map with
 * pairs for keys would cost some ten times the memory.
 */

const EMPTY = -1;
const SLOTS_MIN = 16;

/** What a pair that was not added has. */
export const NO_VALUE = -1;

/** Pairs of non-negative 32-bit integers to such integers. */
export class PairTable {
  #mask = SLOTS_MIN - 1;
  /** left, right, value of each slot. */
  #slots: Int32Array = new Int32Array(SLOTS_MIN * 3).fill(EMPTY);
  #count = 0;

  /** Adds a pair; the first value of a pair stays. */
  add(pair: { left: number; right: number; value: number }): void {
    const slot = this.#find(pair.left, pair.right);
    if (this.#slots[slot] !== EMPTY) return;
    this.#slots[slot] = pair.left;
    this.#slots[slot + 1] = pair.right;
    this.#slots[slot + 2] = pair.value;
    if (++this.#count * 2 > this.#mask) this.#grow();
  }

  /** The value of a pair, or `NO_VALUE`. */
  get(left: number, right: number): number {
    return this.#slots[this.#find(left, right) + 2] ?? NO_VALUE;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2).fill(EMPTY);
    this.#mask = this.#mask * 2 + 1;
    for (let at = 0; at < old.length; at += 3) {
      if (old[at] === EMPTY) continue;
      this.#slots.set(
        old.subarray(at, at + 3),
        this.#find(old[at] ?? 0, old[at + 1] ?? 0),
      );
    }
  }

  #find(left: number, right: number): number {
    let hash = Math.imul(left, 0x9e37_79b1) ^ Math.imul(right, 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
    let slot = (hash ^ (hash >>> 13)) & this.#mask;
    while (true) {
      const at = slot * 3;
      const found = this.#slots[at];
      if (
        found === EMPTY || (found === left && this.#slots[at + 1] === right)
      ) return at;
      slot = (slot + 1) & this.#mask;
    }
  }
}
