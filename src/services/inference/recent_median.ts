/**
 * The middle of the last few samples: what a machine does when nothing disturbs it. One sample that
 * was disturbed, however much, moves it to a neighbour at most.
 */

/** Forgets all but the last samples. */
export class RecentMedian {
  readonly #samples: number[] = [];
  readonly #countMax: number;

  /** @param countMax samples that are kept, at least 1 */
  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Takes a sample. */
  add(sample: number): void {
    if (this.#samples.length === this.#countMax) this.#samples.shift();
    this.#samples.push(sample);
  }

  /** The middle one, the lower of two; undefined before the first. */
  get value(): number | undefined {
    return this.#samples.toSorted((a, b) => a - b)[(this.#samples.length - 1) >> 1];
  }
}
