/**
 * How long steps take on this machine, learnt from steps: of decoding rows alone, and what a share
 * of a prompt adds to them. It only plans; results do not depend on it.
 */

/** Share of a new sample in a mean. */
const sampleShare = 0.25;

/** A sample counts as at most so many times the mean: a machine that paused says nothing. */
const outlierFactor = 4;

/** A prompt's work beside decoding rows costs at least this share of theirs, whatever was timed. */
const rateShareMin = 0.1;

/** Decoding steps are timed alone again after so many steps that had prompts in them. */
const mixedStepsMax = 64;

/** A step that was run. */
export interface TimedStep {
  /** Rows of sequences that decode, drafts included. */
  readonly decodingRows: number;
  readonly decodingWork: number;
  readonly promptWork: number;
  readonly ms: number;
}

interface Sample {
  readonly ms: number;
  readonly work: number;
  /** Mixed steps since. */
  age: number;
}

/** Means that forget. */
export class StepTimes {
  /** By decoding rows. */
  readonly #decoding = new Map<number, Sample>();
  /** Milliseconds of one unit of a prompt's work: beside decoding rows, and alone. */
  readonly #promptRate: Record<"mixed" | "alone", number | undefined> = {
    mixed: undefined,
    alone: undefined,
  };

  /** Learns from a step. */
  observe(step: TimedStep): void {
    const { decodingRows, decodingWork, promptWork, ms } = step;
    if (promptWork === 0) {
      const before = this.#decoding.get(decodingRows);
      this.#decoding.set(decodingRows, { ms: mean(before?.ms, ms), work: decodingWork, age: 0 });
      return;
    }
    const alone = this.decodingMs(decodingRows, decodingWork);
    if (decodingRows > 0 && alone === undefined) return;
    this.grow(decodingRows);
    const rate = Math.max(0, ms - (alone ?? 0)) / promptWork;
    if (alone === undefined) {
      this.#promptRate.alone = mean(this.#promptRate.alone, rate);
    } else {
      const decodingRate = alone / decodingWork;
      const bounded = Math.max(rate, decodingRate * rateShareMin);
      this.#promptRate.mixed = mean(this.#promptRate.mixed ?? decodingRate, bounded);
    }
  }

  /** Notes a step that did not time decoding rows alone. */
  grow(decodingRows: number): void {
    const sample = this.#decoding.get(decodingRows);
    if (sample !== undefined) sample.age++;
  }

  /** How long a step of decoding rows alone takes; undefined when it has to be tried (again). */
  decodingMs(rows: number, work: number): number | undefined {
    const sample = this.#decoding.get(rows);
    if (sample === undefined || sample.age >= mixedStepsMax) return undefined;
    // Never more than was seen: a guess that is too low keeps nobody waiting.
    return sample.ms * Math.min(1, work / sample.work);
  }

  /** The work of prompts alone that takes `ms`; undefined when nothing is known. */
  promptWork(ms: number): number | undefined {
    const { alone } = this.#promptRate;
    return alone === undefined ? undefined : ms / Math.max(alone, Number.MIN_VALUE);
  }

  /**
   * The work of prompts that adds `share` of its time to a step of decoding rows; undefined when that
   * has to be timed alone (again).
   */
  promptWorkBeside(rows: number, options: { work: number; share: number }): number | undefined {
    const ms = this.decodingMs(rows, options.work);
    if (ms === undefined) return undefined;
    // Before the first such step: as if a prompt's rows cost what decoding rows do.
    const rate = this.#promptRate.mixed ?? ms / options.work;
    return (ms * options.share) / Math.max(rate, Number.MIN_VALUE);
  }

  /** How many times as long a step takes with `rows` decoding rows as with `fewer`; 1 if unknown. */
  slowdown(rows: number, fewer: number): number {
    const [many, few] = [this.#decoding.get(rows)?.ms, this.#decoding.get(fewer)?.ms];
    return many === undefined || few === undefined || few === 0 ? 1 : many / few;
  }
}

function mean(before: number | undefined, sample: number): number {
  if (before === undefined) return sample;
  const bounded = Math.min(sample, before * outlierFactor);
  return before + (bounded - before) * sampleShare;
}
