/**
 * Positions in a text that wait, in ascending order as long as they come at the end, or as one of the
 * first two.
 */

const ROOM_MIN = 4;

/** A queue of positions. */
export class PositionQueue {
  #positions = new Int32Array(ROOM_MIN);
  #from = 0;
  #to = 0;
  #isSorted = true;

  /** Whether what waits is in order. */
  get isSorted(): boolean {
    return this.#isSorted;
  }

  /** How many positions wait. */
  get size(): number {
    return this.#to - this.#from;
  }

  /** Adds a position. */
  add(position: number): void {
    if (this.size === 0 || position >= this.#at(this.#to - 1)) {
      if (this.#to === this.#positions.length) this.#growEnd();
      this.#positions[this.#to++] = position;
      return;
    }
    if (this.#from === 0) this.#growStart();
    const first = this.#at(this.#from);
    const isFirst = position <= first;
    if (!isFirst && position > this.#at(this.#from + 1)) this.#isSorted = false;
    this.#from--;
    this.#positions[this.#from] = isFirst ? position : first;
    if (!isFirst) this.#positions[this.#from + 1] = position;
  }

  /** The next position, or undefined when there is none. */
  take(): number | undefined {
    return this.size === 0 ? undefined : this.#positions[this.#from++];
  }

  /** Puts what waits in order. */
  sort(): void {
    this.#positions.subarray(this.#from, this.#to).sort();
    this.#isSorted = true;
  }

  #at(index: number): number {
    return this.#positions[index] ?? 0;
  }

  #growEnd(): void {
    const more = new Int32Array(this.#positions.length * 2);
    more.set(this.#positions);
    this.#positions = more;
  }

  #growStart(): void {
    const room = Math.max(ROOM_MIN, this.size);
    const more = new Int32Array(this.#positions.length + room);
    more.set(this.#positions, room);
    this.#positions = more;
    this.#from += room;
    this.#to += room;
  }
}
