import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CandidateScorer, SCORED_BEST_MAX, SCORED_CANDIDATES_MAX } from "../../src/hot/scoring.ts";
import type { ScoreMeasure, ScoreWeights } from "../../src/hot/scoring.ts";
import { KERNELS, numbersFrom, runs } from "./_runs.ts";

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

const SCALES: Readonly<Record<ScoreMeasure, (unit: number) => number>> = {
  memory: (unit) => unit * 80,
  demand: (unit) => unit * 1000,
  replicas: (unit) => 1 + Math.floor(unit * 20),
  latencyMs: (unit) => unit * 300,
  bandwidthMbps: (unit) => unit * 10_000,
  ageSeconds: (unit) => unit * 86_400,
  credit: (unit) => unit * 3 - 1.5,
  locality: (unit) => unit,
};

function fill(scorer: CandidateScorer, count: number, seed: number): void {
  const next = numbersFrom(seed);
  for (const [name, column] of Object.entries(scorer.columns)) {
    const scale = SCALES[name as ScoreMeasure];
    for (let i = 0; i < count; i++) column[i] = scale(next() / 2 ** 32);
  }
}

/** The formula in f64, with the engine's own logarithm. */
function exactScore(scorer: CandidateScorer, i: number, needed: number): number {
  function at(name: ScoreMeasure): number {
    return scorer.columns[name][i] ?? NaN;
  }
  function clamp(value: number, low: number): number {
    return Math.min(1, Math.max(low, value));
  }
  return WEIGHTS.memory * clamp((at("memory") - needed) / needed, 0) +
    WEIGHTS.demand * Math.log2(1 + at("demand")) +
    WEIGHTS.replicas / at("replicas") +
    WEIGHTS.latencyMs * clamp(1 - at("latencyMs") / 200, 0) +
    WEIGHTS.bandwidthMbps * clamp(Math.log2(1 + at("bandwidthMbps")) / 16, 0) +
    WEIGHTS.ageSeconds / (1 + at("ageSeconds") / 3600) +
    WEIGHTS.credit * clamp(at("credit"), -1) +
    WEIGHTS.locality * at("locality");
}

for (const kernel of KERNELS) {
  test(`CandidateScorer (${kernel}) finds the best by the formula, best first`, () => {
    const scorer = new CandidateScorer(WEIGHTS, { kernel });
    const count = 5003;
    fill(scorer, count, 9);
    const found = scorer.score({ count, most: 64, memoryNeeded: 12 });
    assert.equal(found, 64);
    const exact = Array.from({ length: count }, (_, i) => i)
      .filter((i) => (scorer.columns.memory[i] ?? 0) >= 12)
      .map((i) => ({ i, score: exactScore(scorer, i, 12) }))
      .sort((a, b) => b.score - a.score);
    for (let place = 0; place < 64; place++) {
      const index = scorer.indexes[place] ?? -1;
      const score = scorer.scores[place] ?? NaN;
      assert.ok(Math.abs(score - exactScore(scorer, index, 12)) < 1e-3);
      assert.ok(Math.abs(score - (exact[place]?.score ?? NaN)) < 1e-3);
    }
  });

  test(`CandidateScorer (${kernel}) puts the lower index first among equal scores`, () => {
    const scorer = new CandidateScorer(WEIGHTS, { kernel });
    for (const [name, column] of Object.entries(scorer.columns)) {
      column.fill(SCALES[name as ScoreMeasure](0.5), 0, 200);
    }
    assert.equal(scorer.score({ count: 199, most: 10, memoryNeeded: 1 }), 10);
    assert.deepEqual([...scorer.indexes.subarray(0, 10)], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    scorer.columns.locality[150] = 0.9;
    scorer.columns.locality[3] = 0.1;
    assert.equal(scorer.score({ count: 199, most: 4, memoryNeeded: 1 }), 4);
    assert.deepEqual([...scorer.indexes.subarray(0, 4)], [150, 0, 1, 2]);
  });

  test(`CandidateScorer (${kernel}) leaves out the excluded, the small and what is no number`, () => {
    const scorer = new CandidateScorer(WEIGHTS, { kernel });
    fill(scorer, 21, 3);
    scorer.columns.memory.fill(50, 0, 32);
    scorer.excluded[0] = 0b1000_0001;
    scorer.excluded[1] = 0xff;
    scorer.columns.memory[2] = 9.99;
    scorer.columns.memory[3] = 10;
    scorer.columns.latencyMs[4] = NaN;
    scorer.columns.credit[5] = NaN;
    scorer.columns.locality[6] = NaN;
    scorer.columns.memory[16] = NaN;
    const found = scorer.score({ count: 21, most: 50, memoryNeeded: 10 });
    const left = [...scorer.indexes.subarray(0, found)].sort((a, b) => a - b);
    // Clamping makes a number of a latency or a credit that is none; the sum of others stays none.
    assert.deepEqual(left, [1, 3, 4, 5, 17, 18, 19, 20]);
    assert.equal(scorer.score({ count: 0, most: 5, memoryNeeded: 10 }), 0);
    scorer.excluded.fill(0xff);
    assert.equal(scorer.score({ count: 21, most: 5, memoryNeeded: 10 }), 0);
  });
}

test("the scorer and its twin give the same bits", () => {
  const wasm = new CandidateScorer(WEIGHTS);
  const plain = new CandidateScorer(WEIGHTS, { kernel: "plain" });
  const request = fc.record({
    count: fc.nat({ max: 300 }),
    most: fc.integer({ min: 1, max: 70 }),
    memoryNeeded: fc.constantFrom(0.5, 7, 60),
  });
  const odd = fc.constantFrom(NaN, Infinity, -Infinity, -0, 1e-40, 3e38, -5);
  const changes = fc.array(fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: 300 }), odd), {
    maxLength: 9,
  });
  fc.assert(
    fc.property(request, fc.integer(), changes, (request, seed, odds) => {
      for (const scorer of [wasm, plain]) {
        fill(scorer, request.count, seed);
        scorer.excluded.fill(seed & 0x55, 0, 10);
        for (const [column, i, value] of odds) {
          const name = Object.keys(scorer.columns)[column] as ScoreMeasure;
          scorer.columns[name][i] = value;
        }
      }
      const found = wasm.score(request);
      assert.equal(plain.score(request), found);
      assert.deepEqual(plain.indexes.slice(0, found), wasm.indexes.slice(0, found));
      assert.deepEqual(plain.scores.slice(0, found), wasm.scores.slice(0, found));
    }),
    runs(200),
  );
});

test("CandidateScorer refuses numbers out of range", () => {
  const scorer = new CandidateScorer(WEIGHTS);
  const good = { count: 1, most: 1, memoryNeeded: 1 };
  for (const count of [-1, 0.5, SCORED_CANDIDATES_MAX + 1, NaN]) {
    assert.throws(() => scorer.score({ ...good, count }), RangeError);
  }
  for (const most of [0, 1.5, SCORED_BEST_MAX + 1]) {
    assert.throws(() => scorer.score({ ...good, most }), RangeError);
  }
  for (const memoryNeeded of [0, -1, NaN, Infinity]) {
    assert.throws(() => scorer.score({ ...good, memoryNeeded }), RangeError);
  }
  assert.throws(() => new CandidateScorer({ ...WEIGHTS, credit: NaN }), /weight 'credit'/);
});
