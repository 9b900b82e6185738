/**
 * How long steps take on this machine, learnt from steps: of decoding rows alone, and what a share
 * of a prompt adds to them. It only plans; results do not depend on it.
 */

import { RecentMedian } from "./recent_median.ts";

/** Samples of decoding rows alone that count: they are few. */
const decodingSamplesMax = 5;

/** Samples of rates that count. */
const rateSamplesMax = 9;

/** A prompt's work beside decoding rows costs at least this share of theirs, whatever was timed. */
const rateShareMin = 0.1;

/** Decoding steps are timed alone again after so many steps that had prompts in them. */
const mixedStepsMax = 32;

/** A step that was run. */
export interface TimedStep {
  /** Rows of sequences that decode, drafts included. */
  readonly decodingRows: number;
  readonly decodingWork: number;
  readonly promptWork: number;
  /** How long it was computed. */
  readonly computedMs: number;
  /** How long it took until everybody could take part in the next one. */
  readonly ms: number;
}

interface Samples {
  readonly ms: RecentMedian;
  readonly choosingMs: RecentMedian;
  /** Of the last. */
  work: number;
  /** Mixed steps since. */
  age: number;
}

/** Medians of what was seen last. */
export class StepTimes {
  /** By decoding rows. */
  readonly #decoding = new Map<number, Samples>();
  /** Milliseconds of one unit of a prompt's work: beside decoding rows, and alone. */
  readonly #promptRate = {
    mixed: new RecentMedian(rateSamplesMax),
    alone: new RecentMedian(rateSamplesMax),
  };

  /** Learns from a step. */
  observe(step: TimedStep): void {
    const { decodingRows, decodingWork, promptWork, ms } = step;
    if (promptWork === 0) return this.#observeDecoding(step);
    const alone = this.decodingMs(decodingRows, decodingWork);
    if (decodingRows > 0 && alone === undefined) return;
    this.grow(decodingRows);
    const rate = Math.max(0, ms - (alone ?? 0)) / promptWork;
    if (alone === undefined) return this.#promptRate.alone.add(rate);
    this.#promptRate.mixed.add(Math.max(rate, (alone / decodingWork) * rateShareMin));
  }

  #observeDecoding({ decodingRows, decodingWork, computedMs, ms }: TimedStep): void {
    const samples = this.#decoding.get(decodingRows) ?? {
      ms: new RecentMedian(decodingSamplesMax),
      choosingMs: new RecentMedian(decodingSamplesMax),
      work: 0,
      age: 0,
    };
    samples.ms.add(ms);
    samples.choosingMs.add(Math.max(0, ms - computedMs));
    Object.assign(samples, { work: decodingWork, age: 0 });
    this.#decoding.set(decodingRows, samples);
  }

  /** Notes a step that did not time decoding rows alone. */
  grow(decodingRows: number): void {
    const sample = this.#decoding.get(decodingRows);
    if (sample !== undefined) sample.age++;
  }

  /** How long a step of decoding rows alone takes; undefined when it has to be tried (again). */
  decodingMs(rows: number, work: number): number | undefined {
    const samples = this.#decoding.get(rows);
    if (samples === undefined || samples.age >= mixedStepsMax) return undefined;
    // Never more than was seen: a guess that is too low keeps nobody waiting.
    return (samples.ms.value ?? 0) * Math.min(1, work / samples.work);
  }

  /** How much of a step of decoding rows alone is left to those who choose their next token. */
  choosingMs(rows: number): number {
    return this.#decoding.get(rows)?.choosingMs.value ?? 0;
  }

  /** The work of prompts alone that takes `ms`; undefined when nothing is known. */
  promptWork(ms: number): number | undefined {
    const alone = this.#promptRate.alone.value;
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
    const rate = this.#promptRate.mixed.value ?? ms / options.work;
    return (ms * options.share) / Math.max(rate, Number.MIN_VALUE);
  }

  /** How many times as long a step takes with `rows` decoding rows as with `fewer`; 1 if unknown. */
  slowdown(rows: number, fewer: number): number {
    const [many, few] = [rows, fewer].map((count) => this.#decoding.get(count)?.ms.value);
    return many === undefined || few === undefined || few === 0 ? 1 : many / few;
  }
}
