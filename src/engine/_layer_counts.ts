/**
 * How many positions a session has in each local layer.
 *
 * Layers may be run in several calls, so they can differ for a while; what the session "holds" is
 * the least of them.
 */
import type { LayerRange } from "./face.ts";

/** Position counts of the layers `held.from` to `held.to`. */
export class LayerCounts {
  readonly #from: number;
  readonly #counts: Uint32Array;

  /** Starts with no position in any layer of `held`. */
  constructor(held: LayerRange, counts = new Uint32Array(held.to - held.from)) {
    this.#from = held.from;
    this.#counts = counts;
  }

  /** A copy that changes on its own. */
  copy(): LayerCounts {
    const held = { from: this.#from, to: this.#from + this.#counts.length };
    return new LayerCounts(held, this.#counts.slice());
  }

  /** The least count over the given layers; all local ones by default. */
  low(from = this.#from, to = this.#from + this.#counts.length): number {
    return Math.min(...this.#counts.subarray(from - this.#from, to - this.#from));
  }

  /** The largest count over the given layers; all local ones by default. */
  high(from = this.#from, to = this.#from + this.#counts.length): number {
    return Math.max(...this.#counts.subarray(from - this.#from, to - this.#from));
  }

  /** Sets the count of the given layers. */
  set(layers: LayerRange, count: number): void {
    this.#counts.fill(count, layers.from - this.#from, layers.to - this.#from);
  }

  /**
   * Forgets positions from `count` on, in every layer.
   *
   * @throws {RangeError} when `count` is more than the session holds
   */
  truncate(count: number): void {
    const held = this.low();
    if (!Number.isSafeInteger(count) || count < 0 || count > held) {
      throw new RangeError(
        `Cannot truncate the session as "positionCount" must be an integer from 0 to ${held}: current value is ${count}`,
      );
    }
    this.#counts.fill(count);
  }
}
