/**
 * Timers in the order in which they fall due, ties in the order in which they were set: a binary heap.
 * A cancelled timer stays in it until it comes up, or until half of what is there is cancelled.
 */

/** A timer that waits. */
export interface HeapTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly fn: () => void;
  /** False once it has run or was cancelled. */
  isSet: boolean;
}

/** Below so many timers, cancelled ones are left where they are. */
const compactCountMin = 64;

/** The timers of one clock. */
export class TimerHeap {
  #timers: HeapTimer[] = [];
  #setCount = 0;

  /** How many wait, those that were cancelled left out. */
  get count(): number {
    return this.#setCount;
  }

  /** Adds a timer. */
  push(timer: HeapTimer): void {
    this.#timers.push(timer);
    this.#setCount += 1;
    this.#rise(this.#timers.length - 1);
  }

  /** Takes a timer out; nothing happens when it has run. */
  cancel(timer: HeapTimer): void {
    if (!timer.isSet) return;
    timer.isSet = false;
    this.#setCount -= 1;
    const { length } = this.#timers;
    if (length < compactCountMin || this.#setCount * 2 >= length) return;
    this.#timers = this.#timers.filter(({ isSet }) => isSet);
    for (let i = (this.#timers.length >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  /** Takes the first timer that is due by `endMs`; undefined when there is none. */
  takeDue(endMs: number): HeapTimer | undefined {
    for (let first = this.#timers[0]; first !== undefined; first = this.#timers[0]) {
      if (first.isSet && first.dueMs > endMs) return undefined;
      const last = this.#timers.pop();
      if (last !== undefined && last !== first) {
        this.#timers[0] = last;
        this.#sink(0);
      }
      if (!first.isSet) continue;
      first.isSet = false;
      this.#setCount -= 1;
      return first;
    }
    return undefined;
  }

  #rise(from: number): void {
    const timers = this.#timers;
    const timer = timers[from];
    if (timer === undefined) return;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = timers[above];
      if (other === undefined || !isSooner(timer, other)) break;
      timers[at] = other;
      at = above;
    }
    timers[at] = timer;
  }

  #sink(from: number): void {
    const timers = this.#timers;
    const timer = timers[from];
    if (timer === undefined) return;
    let at = from;
    for (;;) {
      let below = 2 * at + 1;
      let other = timers[below];
      if (other === undefined) break;
      const right = timers[below + 1];
      if (right !== undefined && isSooner(right, other)) {
        below += 1;
        other = right;
      }
      if (!isSooner(other, timer)) break;
      timers[at] = other;
      at = below;
    }
    timers[at] = timer;
  }
}

function isSooner(one: HeapTimer, other: HeapTimer): boolean {
  return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order);
}
