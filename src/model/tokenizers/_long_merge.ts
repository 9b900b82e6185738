/**
 * Merging of a long piece: symbols in a linked list, and the pairs that may merge in queues.
 *
 * A queue for each rank holds positions, in order as they mostly come, so that a million equal pairs
 * cost no sorting. Where positions keep coming out of order, by merges that no training makes, one heap
 * over all takes over: O(n log n) whatever the vocabulary.
 */
import { KeyHeap } from "./_key_heap.ts";
import { NO_RANK } from "./_merges.ts";
import type { Merges } from "./_merges.ts";
import { PositionQueue } from "./_position_queue.ts";

const NONE = -1;
/** A heap's key is `rank * POSITIONS + position`, exact below 2^53 for ranks below 2^22. */
const POSITIONS = 2 ** 31;
/** How many positions are sorted for each symbol of the piece before the heap takes over. */
const SORTED_FACTOR_MAX = 8;

/** One piece while it is merged. */
export class LongMerge {
  readonly #symbols: Int32Array;
  readonly #merges: Merges;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** Position to the rank of the pair that begins there, which tells stale entries. */
  readonly #ranks: Int32Array;
  /** Ranks that have a queue. */
  readonly #waiting = new KeyHeap();
  readonly #queues = new Map<number, PositionQueue>();
  /** Set once the queues are given up. */
  #heap: KeyHeap | undefined;

  /** @param symbols overwritten by `run` */
  constructor(symbols: Int32Array, merges: Merges) {
    const count = symbols.length;
    this.#symbols = symbols;
    this.#merges = merges;
    this.#next = new Int32Array(count);
    this.#previous = new Int32Array(count);
    this.#ranks = new Int32Array(count).fill(NO_RANK);
    for (let i = 0; i < count; i++) {
      this.#next[i] = i + 1 < count ? i + 1 : NONE;
      this.#previous[i] = i - 1;
    }
  }

  /** Merges; returns how many symbols are left, which come first. */
  run(): number {
    for (let i = 0; i < this.#symbols.length; i++) this.#propose(i);
    this.#runQueues();
    if (this.#heap !== undefined) this.#runHeap(this.#heap);
    let count = 0;
    for (let i = 0; i !== NONE; i = this.#next[i] ?? NONE) {
      this.#symbols[count++] = this.#symbols[i] ?? 0;
    }
    return count;
  }

  #runQueues(): void {
    let sortable = this.#symbols.length * SORTED_FACTOR_MAX;
    for (let rank = this.#waiting.pop(); rank !== undefined; rank = this.#waiting.pop()) {
      const queue = this.#queues.get(rank);
      if (queue === undefined) continue;
      if (!queue.isSorted) {
        sortable -= queue.size;
        if (sortable < 0) return this.#fillHeap();
        queue.sort();
      }
      if (this.#drain(queue, rank)) this.#queues.delete(rank);
      else this.#waiting.push(rank);
    }
  }

  #fillHeap(): void {
    this.#heap = new KeyHeap();
    this.#ranks.forEach((rank, at) => {
      if (rank !== NO_RANK) this.#heap?.push(rank * POSITIONS + at);
    });
  }

  /** Joins the pairs of a queue; false when something better, or something out of order, came up. */
  #drain(queue: PositionQueue, rank: number): boolean {
    while (true) {
      const at = queue.take();
      if (at === undefined) return true;
      if (this.#ranks[at] !== rank) continue;
      this.#join(at);
      if (!queue.isSorted || this.#waiting.leastIsBelow(rank)) return false;
    }
  }

  #runHeap(heap: KeyHeap): void {
    for (let key = heap.pop(); key !== undefined; key = heap.pop()) {
      const rank = Math.floor(key / POSITIONS);
      const at = key - rank * POSITIONS;
      if (this.#ranks[at] === rank) this.#join(at);
    }
  }

  #join(left: number): void {
    const right = this.#next[left] ?? NONE;
    const after = this.#next[right] ?? NONE;
    this.#symbols[left] = this.#merges.joined(this.#symbols[left] ?? 0, this.#symbols[right] ?? 0);
    this.#ranks[right] = NO_RANK;
    this.#next[left] = after;
    if (after !== NONE) this.#previous[after] = left;
    const before = this.#previous[left] ?? NONE;
    if (before !== NONE) this.#propose(before);
    this.#propose(left);
  }

  #propose(left: number): void {
    const right = this.#next[left] ?? NONE;
    const rank = right === NONE
      ? NO_RANK
      : this.#merges.rank(this.#symbols[left] ?? 0, this.#symbols[right] ?? 0);
    this.#ranks[left] = rank;
    if (rank === NO_RANK) return;
    if (this.#heap !== undefined) {
      this.#heap.push(rank * POSITIONS + left);
      return;
    }
    let queue = this.#queues.get(rank);
    if (queue === undefined) {
      queue = new PositionQueue();
      this.#queues.set(rank, queue);
      this.#waiting.push(rank);
    }
    queue.add(left);
  }
}
