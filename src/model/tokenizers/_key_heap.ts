/**
 * A priority queue of numbers, least first, in one typed array.
 */

const CAPACITY_MIN = 64;

/** A binary heap of numbers. */
export class KeyHeap {
  #keys = new Float64Array(CAPACITY_MIN);
  #size = 0;

  /** Whether there is a key less than another. */
  leastIsBelow(key: number): boolean {
    return this.#size > 0 && (this.#keys[0] ?? 0) < key;
  }

  /** Adds a key. */
  push(key: number): void {
    if (this.#size === this.#keys.length) this.#grow();
    const keys = this.#keys;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = keys[parent] ?? 0;
      if (other <= key) break;
      keys[at] = other;
      at = parent;
    }
    keys[at] = key;
  }

  /** Takes the least key, or undefined when there is none. */
  pop(): number | undefined {
    if (this.#size === 0) return undefined;
    const keys = this.#keys;
    const least = keys[0];
    const last = keys[--this.#size] ?? 0;
    const size = this.#size;
    let at = 0;
    while (true) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && (keys[child + 1] ?? 0) < (keys[child] ?? 0)) child++;
      const other = keys[child] ?? 0;
      if (last <= other) break;
      keys[at] = other;
      at = child;
    }
    keys[at] = last;
    return least;
  }

  #grow(): void {
    const keys = new Float64Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
  }
}
