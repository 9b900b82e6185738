/**
 * A priority queue of neighbouring symbols that may be merged: highest score first, then leftmost.
 *
 * Entries live in parallel typed arrays, so that a text of a million characters makes no objects.
 */

/** One candidate merge: symbols by index, and their joint length when it was found. */
export interface Bigram {
  score: number;
  left: number;
  right: number;
  /** Length of both symbols in UTF-16 units; a different sum now means that the entry is stale. */
  units: number;
}

const CAPACITY_MIN = 64;

/** A binary heap of bigrams. */
export class BigramHeap {
  #scores: Float32Array;
  /** left, right, units of each entry, in that order. */
  #fields: Int32Array;
  #size = 0;

  /** @param capacity entries to make room for at first; grows by doubling */
  constructor(capacity: number) {
    const room = Math.max(capacity, CAPACITY_MIN);
    this.#scores = new Float32Array(room);
    this.#fields = new Int32Array(room * 3);
  }

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  /** Adds an entry; its values are copied. */
  push(entry: Bigram): void {
    if (this.#size === this.#scores.length) this.#grow();
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(entry, parent)) break;
      this.#copy(parent, at);
      at = parent;
    }
    this.#store(entry, at);
  }

  /** Takes the first entry into `into`; returns whether there was one. */
  pop(into: Bigram): boolean {
    if (this.#size === 0) return false;
    this.#load(0, into);
    this.#size--;
    if (this.#size > 0) this.#sink();
    return true;
  }

  /** Moves the last entry to where it belongs, from the top. */
  #sink(): void {
    const last: Bigram = { score: 0, left: 0, right: 0, units: 0 };
    this.#load(this.#size, last);
    let at = 0;
    while (true) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#isBefore(child + 1, child)) child++;
      if (this.#before(last, child)) break;
      this.#copy(child, at);
      at = child;
    }
    this.#store(last, at);
  }

  #before(entry: Bigram, other: number): boolean {
    const score = this.#scores[other] ?? 0;
    if (entry.score !== score) return entry.score > score;
    return entry.left < (this.#fields[other * 3] ?? 0);
  }

  #isBefore(one: number, other: number): boolean {
    const a = this.#scores[one] ?? 0;
    const b = this.#scores[other] ?? 0;
    if (a !== b) return a > b;
    return (this.#fields[one * 3] ?? 0) < (this.#fields[other * 3] ?? 0);
  }

  #copy(from: number, to: number): void {
    this.#scores[to] = this.#scores[from] ?? 0;
    this.#fields.copyWithin(to * 3, from * 3, from * 3 + 3);
  }

  #store(entry: Bigram, at: number): void {
    this.#scores[at] = entry.score;
    this.#fields[at * 3] = entry.left;
    this.#fields[at * 3 + 1] = entry.right;
    this.#fields[at * 3 + 2] = entry.units;
  }

  #load(at: number, into: Bigram): void {
    into.score = this.#scores[at] ?? 0;
    into.left = this.#fields[at * 3] ?? 0;
    into.right = this.#fields[at * 3 + 1] ?? 0;
    into.units = this.#fields[at * 3 + 2] ?? 0;
  }

  #grow(): void {
    const scores = new Float32Array(this.#scores.length * 2);
    scores.set(this.#scores);
    this.#scores = scores;
    const fields = new Int32Array(this.#fields.length * 2);
    fields.set(this.#fields);
    this.#fields = fields;
  }
}
