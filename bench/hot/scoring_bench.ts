/**
 * How long does it take to score 100,000 candidates and find the best 64? Expected: 2 to 4 ns a
 * candidate. The peers are the best JavaScript that we could write: columns in typed arrays, a heap,
 * and logarithms by Math.log2 or by the same polynomial as ours.
 */
import { CandidateScorer } from "../../src/hot/mod.ts";
import type { ScoreWeights } from "../../src/hot/mod.ts";
import type { Comparison, Row } from "../harness.ts";

const BEST = 64;
const NEEDED = 12;
const WEIGHTS: ScoreWeights = {
  memory: 2,
  demand: 1,
  replicas: 3,
  latencyMs: 1.5,
  bandwidthMbps: 1,
  ageSeconds: 0.5,
  credit: 1,
  locality: 0.7,
};

/** The row of scoring. */
export const row: Row = {
  name: "score-top64",
  what: "score + top-64 of 100,000 candidates, per candidate",
  gates: [{ peer: "fastest", node: 6, deno: 6 }],
  prepare(small): Promise<Comparison> {
    const count = small ? 500 : 100_000;
    const scorer = new CandidateScorer(WEIGHTS);
    fill(scorer, count);
    const columns = Object.values(scorer.columns).map((column) => column.slice(0, count));
    const request = { count, most: BEST, memoryNeeded: NEEDED };
    const best = new Int32Array(BEST);
    return Promise.resolve({
      ours: {
        name: "skep",
        run: () => void scorer.score(request),
        checksum: () => scorer.indexes[0] as number,
      },
      peers: [Math.log2, polynomialLog2].map((log2, i) => ({
        name: i === 0 ? "JS columns, Math.log2" : "JS columns, polynomial",
        run: i === 0 ? () => bestByMath(columns, best) : () => bestByPolynomial(columns, best),
        checksum: () => (log2(1) < 1 ? best[0] as number : NaN),
      })),
      units: count,
    });
  },
};

function fill(scorer: CandidateScorer, count: number): void {
  const scales = [80, 1000, 20, 300, 10_000, 86_400, 3, 1];
  let state = 7;
  for (const [i, column] of Object.values(scorer.columns).entries()) {
    for (let k = 0; k < count; k++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const value = (state >>> 0) / 2 ** 32 * (scales[i] ?? 1);
      column[k] = i === 2 ? 1 + Math.floor(value) : i === 6 ? value - 1.5 : value;
    }
  }
}

const asFloat = new Float32Array(1);
const asWord = new Int32Array(asFloat.buffer);

function polynomialLog2(x: number): number {
  asFloat[0] = x;
  const word = asWord[0] as number;
  asWord[0] = word & 0x7fffff | 0x3f800000;
  const m = asFloat[0] as number;
  const p = (((-0.0816158057 * m + 0.645142365) * m - 2.12067513) * m + 4.07009079) * m;
  return p - 2.51285462 + (word >>> 23) - 127;
}

// The two peers are one function written twice, so that each has its logarithm inlined.

function bestByMath(columns: readonly Float32Array[], best: Int32Array): void {
  const [c0, c1, c2, c3, c4, c5, c6, c7] = columns as Columns;
  const scores = new Float64Array(BEST).fill(-Infinity);
  for (let i = 0; i < c0.length; i++) {
    const memory = c0[i] as number;
    if (memory < NEEDED) continue;
    const score = 2 * Math.min(1, (memory - NEEDED) * (1 / NEEDED)) +
      Math.log2(1 + (c1[i] as number)) + 3 / (c2[i] as number) +
      1.5 * Math.min(1, Math.max(0, 1 - (c3[i] as number) * 0.005)) +
      Math.min(1, Math.max(0, Math.log2(1 + (c4[i] as number)) * 0.0625)) +
      0.5 / (1 + (c5[i] as number) * (1 / 3600)) +
      Math.min(1, Math.max(-1, c6[i] as number)) + 0.7 * (c7[i] as number);
    if (score > (scores[0] as number)) sift(scores, best, score, i);
  }
  firstIsBest(scores, best);
}

function bestByPolynomial(columns: readonly Float32Array[], best: Int32Array): void {
  const [c0, c1, c2, c3, c4, c5, c6, c7] = columns as Columns;
  const scores = new Float64Array(BEST).fill(-Infinity);
  for (let i = 0; i < c0.length; i++) {
    const memory = c0[i] as number;
    if (memory < NEEDED) continue;
    const score = 2 * Math.min(1, (memory - NEEDED) * (1 / NEEDED)) +
      polynomialLog2(1 + (c1[i] as number)) + 3 / (c2[i] as number) +
      1.5 * Math.min(1, Math.max(0, 1 - (c3[i] as number) * 0.005)) +
      Math.min(1, Math.max(0, polynomialLog2(1 + (c4[i] as number)) * 0.0625)) +
      0.5 / (1 + (c5[i] as number) * (1 / 3600)) +
      Math.min(1, Math.max(-1, c6[i] as number)) + 0.7 * (c7[i] as number);
    if (score > (scores[0] as number)) sift(scores, best, score, i);
  }
  firstIsBest(scores, best);
}

type Columns = readonly [
  Float32Array,
  Float32Array,
  Float32Array,
  Float32Array,
  Float32Array,
  Float32Array,
  Float32Array,
  Float32Array,
];

/** Puts an entry in place of the worst, which is the first of the heap. */
function sift(scores: Float64Array, indexes: Int32Array, score: number, index: number): void {
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= BEST) break;
    if (child + 1 < BEST && (scores[child + 1] as number) < (scores[child] as number)) child++;
    if ((scores[child] as number) >= score) break;
    scores[i] = scores[child] as number;
    indexes[i] = indexes[child] as number;
    i = child;
  }
  scores[i] = score;
  indexes[i] = index;
}

/** Moves the best to the front, which is all that the checksum asks for. */
function firstIsBest(scores: Float64Array, indexes: Int32Array): void {
  let at = 0;
  for (let i = 1; i < BEST; i++) if ((scores[i] as number) > (scores[at] as number)) at = i;
  indexes[0] = indexes[at] as number;
}
