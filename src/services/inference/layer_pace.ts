/**
 * How many rows of a deep prompt pass how many layers between two steps.
 *
 * A layer takes longer the deeper its rows are, so times are kept as a rate: milliseconds of a unit
 * of work, which holds at any depth. Rows that pass together share the reading of all keys and values
 * before them, so as many as can be pass together, as long as one layer of them is in time. How much
 * they share differs, so each number of rows has a rate of its own, and is tried after its half.
 *
 * Others choose their next tokens meanwhile, on a processor that may be the same or another one. How
 * many rows pass is decided by what others notice: the time beyond their choosing. How many layers,
 * by all the time, as several of which none is noticed would be.
 */
import { RecentMedian } from "./recent_median.ts";
import type { LayerRange, WorkModel } from "./work.ts";

/** Samples of a rate that count. */
const samplesMax = 9;

/** A rate is forgotten after so many samples of others: what was too slow is tried again. */
const ageMax = 512;

/**
 * What rows share costs as much as so many rows more. With one thread a layer of the 15M model took
 * 2.0, 6.1 and 18.3 ms for 1, 8 and 32 rows at position 8000, one of the 110M model 4.8, 11.6 and
 * 41 ms at 6000: in proportion to rows + 4 within a fifth.
 */
const sharedRows = 4;

/** What is to be passed. */
export interface PacedRows {
  readonly firstPosition: number;
  readonly rows: number;
  /** Layers that are yet to be passed, at least one. */
  readonly layers: LayerRange;
}

/** How long it may take. */
export interface PacedTime {
  /** Beyond the time in which others choose. */
  readonly ms: number;
  readonly choosingMs: number;
  /** Milliseconds of a unit of work, as long as nothing was timed. */
  readonly rateGuess: number;
}

interface Rate {
  readonly all: RecentMedian;
  readonly noticed: RecentMedian;
  /** Samples of others since its last. */
  age: number;
}

/** Learns the rates. */
export class LayerPace {
  readonly #work: WorkModel;
  /** By the power of two of the rows. */
  readonly #rates = new Map<number, Rate>();

  constructor(work: WorkModel) {
    this.#work = work;
  }

  /** The power of two, at most the rows given, of which each layer takes `time` at most; or 1. */
  rowsWithin({ firstPosition, rows, layers }: PacedRows, time: PacedTime): number {
    for (let some = 2 ** powerOf(rows); some > 1; some /= 2) {
      let longestMs = 0;
      for (let layer = layers.from; layer < layers.to; layer++) {
        const one = { firstPosition, rows: some, layers: { from: layer, to: layer + 1 } };
        longestMs = Math.max(longestMs, this.#predictMs("noticed", one, time));
      }
      if (longestMs <= time.ms) return some;
    }
    return 1;
  }

  /** Of the layers given, how many the rows pass within `time`; at least 1. */
  layersWithin({ layers, ...rows }: PacedRows, time: PacedTime): number {
    let count = 1;
    while (layers.from + count < layers.to) {
      const more = { ...rows, layers: { from: layers.from, to: layers.from + count + 1 } };
      if (this.#predictMs("all", more, time) > time.ms + time.choosingMs) break;
      count++;
    }
    return count;
  }

  /** Learns that rows passed all of `passed.layers` in `ms`, of which others chose in some. */
  observe(
    passed: PacedRows,
    { ms, choosingMs }: { readonly ms: number; readonly choosingMs: number },
  ): void {
    const power = powerOf(passed.rows);
    for (const [other, rate] of this.#rates) {
      if (other !== power && ++rate.age > ageMax) this.#rates.delete(other);
    }
    const rate = this.#rates.get(power) ?? {
      all: new RecentMedian(samplesMax),
      noticed: new RecentMedian(samplesMax),
      age: 0,
    };
    const work = this.#workOf(passed);
    rate.all.add(ms / work);
    rate.noticed.add(Math.max(0, ms - choosingMs) / work);
    rate.age = 0;
    this.#rates.set(power, rate);
  }

  #predictMs(what: "all" | "noticed", rows: PacedRows, { rateGuess }: PacedTime): number {
    const work = this.#workOf(rows);
    return work * (this.#rates.size === 0 ? rateGuess : this.#rateOf(rows.rows, what));
  }

  /** Of the rows themselves, or of their half; else of the next that are more. */
  #rateOf(rows: number, what: "all" | "noticed"): number {
    const power = powerOf(rows);
    const known = this.#rates.get(power) ?? this.#rates.get(power - 1);
    if (known !== undefined) return known[what].value ?? Infinity;
    const more = [...this.#rates.keys()].filter((other) => other > power);
    return this.#rates.get(Math.min(...more))?.[what].value ?? Infinity;
  }

  #workOf({ firstPosition, rows, layers }: PacedRows): number {
    return this.#work.ofLayers(layers, { firstPosition, rows: rows + sharedRows });
  }
}

function powerOf(rows: number): number {
  return 31 - Math.clz32(rows);
}
