/**
 * Scores many candidates (peers that could hold a shard or run a stage) and finds the best.
 *
 *   score = w0 * clamp((memory - needed) / needed, 0, 1)   spare memory
 *         + w1 * log2(1 + demand)
 *         + w2 / replicas                                   rarity
 *         + w3 * clamp(1 - latency / 200, 0, 1)
 *         + w4 * clamp(log2(1 + bandwidth) / 16, 0, 1)
 *         + w5 / (1 + age / 3600)                           seen lately
 *         + w6 * clamp(credit, -1, 1)
 *         + w7 * locality
 *
 * in f32, summed in this order, with log2 within 1e-4: the same bits on every CPU. Not here: where
 * the columns come from, and what is done with the best.
 */
import {
  BEST_MAX,
  CANDIDATES_MAX,
  COLUMN_BYTES,
  COLUMNS,
  EXCLUDED,
  INDEXES,
  NEED,
  SCORES,
  WEIGHTS,
} from "./_scoring_map.ts";
import type { ScoringKernel } from "./_scoring_map.ts";
import { bytes as base64 } from "./_scoring_bytes.ts";
import { scoringTwin } from "./_scoring_twin.ts";
import { KernelModule } from "./_module.ts";
import type { KernelChoice, KernelKind } from "./_module.ts";

/** Candidates at most. */
export const SCORED_CANDIDATES_MAX: number = CANDIDATES_MAX;
/** Best candidates at most. */
export const SCORED_BEST_MAX: number = BEST_MAX;

/** The columns, in the order of their weights. */
const NAMES = [
  "memory",
  "demand",
  "replicas",
  "latencyMs",
  "bandwidthMbps",
  "ageSeconds",
  "credit",
  "locality",
] as const;

const MODULE = new KernelModule<ScoringKernel>(base64, scoringTwin);

/** A measure of candidates. */
export type ScoreMeasure = (typeof NAMES)[number];

/** A weight for each measure; finite. */
export type ScoreWeights = Readonly<Record<ScoreMeasure, number>>;

/** Which candidates to look at. */
export interface ScoreRequest {
  /** The first `count` entries of the columns, 0 to SCORED_CANDIDATES_MAX. */
  readonly count: number;
  /** The best to find, 1 to SCORED_BEST_MAX. */
  readonly most: number;
  /** Memory needed, above 0, in the unit of the memory column. Less makes a candidate infeasible. */
  readonly memoryNeeded: number;
}

/**
 * A scorer with a kernel's memory of its own (4.1 MiB): callers write the columns in place.
 *
 * `score` allocates nothing. The answer is overwritten by the next call.
 */
export class CandidateScorer {
  /** "wasm", or "plain" where the engine has no SIMD. */
  readonly kind: KernelKind;
  /**
   * A column per measure, entry i for candidate i: memory (any unit), demand (from 0), replicas (from
   * 1), latency (ms), bandwidth (Mbit/s, from 0), age (seconds since seen, from 0), credit (-1 to 1
   * counts), locality (0 to 1). A candidate whose score is no number is infeasible; clamped terms
   * (latency, bandwidth, credit) make 0, 0 and -1 of what is none.
   */
  readonly columns: Readonly<Record<ScoreMeasure, Float32Array<ArrayBuffer>>>;
  /** Bit `i & 7` of byte `i >> 3` leaves candidate i out. */
  readonly excluded: Uint8Array<ArrayBuffer>;
  /** Indexes of the best, best first; of equal scores the lower index. */
  readonly indexes: Uint32Array<ArrayBuffer>;
  /** Their scores. */
  readonly scores: Float32Array<ArrayBuffer>;
  readonly #kernel: ScoringKernel;
  readonly #numbers: Float32Array<ArrayBuffer>;

  /** @throws {RangeError} when a weight is not finite, or the kernel asked for is not to be had */
  constructor(weights: ScoreWeights, options: { readonly kernel?: KernelChoice } = {}) {
    const { kernel, kind } = MODULE.open(options.kernel ?? "auto");
    const { buffer } = kernel.memory;
    this.#kernel = kernel;
    this.kind = kind;
    this.#numbers = new Float32Array(buffer);
    this.excluded = new Uint8Array(buffer, EXCLUDED, CANDIDATES_MAX / 8);
    this.indexes = new Uint32Array(buffer, INDEXES, BEST_MAX);
    this.scores = new Float32Array(buffer, SCORES, BEST_MAX);
    const columns = NAMES.map((name, i) => [
      name,
      new Float32Array(buffer, COLUMNS + i * COLUMN_BYTES, CANDIDATES_MAX),
    ]);
    this.columns = Object.fromEntries(columns) as typeof this.columns;
    for (const [i, name] of NAMES.entries()) {
      if (!Number.isFinite(weights[name])) {
        throw new RangeError(
          `Cannot score by weight '${name}' as it must be finite: current value is ${
            weights[name]
          }`,
        );
      }
      this.#numbers[WEIGHTS / 4 + i] = weights[name];
    }
  }

  /**
   * Finds the best candidates. Returns how many there are: at most `most`, fewer if fewer are
   * feasible.
   *
   * @throws {RangeError} when a number of the request is out of range
   */
  score(request: ScoreRequest): number {
    const { count, most, memoryNeeded } = request;
    if (!(Number.isInteger(count) && count >= 0 && count <= CANDIDATES_MAX)) {
      throw outOfRange("count", count, CANDIDATES_MAX);
    }
    if (!(Number.isInteger(most) && most >= 1 && most <= BEST_MAX)) {
      throw outOfRange("most", most, BEST_MAX);
    }
    if (!(memoryNeeded > 0 && memoryNeeded < 2 ** 100)) {
      throw outOfRange("memoryNeeded", memoryNeeded, 2 ** 100);
    }
    const needed = Math.fround(memoryNeeded);
    this.#numbers[NEED / 4] = needed;
    this.#numbers[NEED / 4 + 1] = 1 / needed;
    return this.#kernel.best(count, most);
  }
}

function outOfRange(name: string, value: number, most: number): RangeError {
  return new RangeError(
    `Cannot score candidates as '${name}' must be in its range up to ${most}: current value is ${value}`,
  );
}
