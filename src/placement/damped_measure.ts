/**
 * A measured price that is told to others: it follows what is measured within some ten samples, and
 * what is told changes only when it is off by a fifth, so that the mesh is not told of every tremor.
 */

/** Share of a sample in the average, once there are enough; 1 over the number of samples before. */
const newShareMin = 0.1;

/** How far off what is told may be. */
const toleratedShare = 0.2;

/** Milliseconds of one unit of work. */
export class DampedMeasure {
  #samples = 0;
  #average = 0;
  #told: number | undefined;

  /** Notes that `units` of work took `ms`; of no work, or no time that a clock can tell, nothing. */
  add(ms: number, units: number): void {
    if (!(units > 0) || !(ms >= 0) || !Number.isFinite(ms / units)) return;
    this.#samples += 1;
    this.#average += (ms / units - this.#average) * Math.max(newShareMin, 1 / this.#samples);
    if (this.#told === undefined || this.#isOff(this.#told)) {
      this.#told = Number(this.#average.toPrecision(3));
    }
  }

  /** What others are told; undefined before anything was measured. */
  get told(): number | undefined {
    return this.#told;
  }

  #isOff(told: number): boolean {
    return Math.abs(this.#average - told) > toleratedShare * Math.max(told, this.#average);
  }
}
