import assert from "node:assert/strict";
import { test } from "node:test";
import { presetShape } from "../../../bench/models/presets.ts";
import { WorkModel } from "../../../src/services/inference/work.ts";
import { fakeShape } from "./_fake_executor.ts";

test("WorkModel counts a row's products as the model's weights", () => {
  const work = new WorkModel(presetShape("110m"));
  const weights = 12 * (4 * 768 * 768 + 3 * 768 * 2048);
  const row = work.of({ firstPosition: 0, rows: 1, logitRows: 0 });
  assert.ok(row > weights && row < weights * 1.001);
  const withLogits = work.of({ firstPosition: 0, rows: 1, logitRows: 1 });
  assert.equal(withLogits - row, 768 * 32_000);
});

test("WorkModel sums rows one by one, and a window bounds what a row sees", () => {
  const { family } = fakeShape;
  const layers = [{ window: 10, rope: 0 }, { window: 0, rope: 0 }];
  const work = new WorkModel({ ...fakeShape, layerCount: 2, family: { ...family, layers } });
  const one = (firstPosition: number): number => work.of({ firstPosition, rows: 1, logitRows: 0 });
  for (const [firstPosition, rows] of [[0, 1], [0, 30], [5, 9], [9, 2], [40, 3]] as const) {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += one(firstPosition + i);
    assert.equal(work.of({ firstPosition, rows, logitRows: 0 }), sum);
  }
  const perPosition = 2 * 16 * 16 * 3;
  assert.equal(one(20) - one(19), perPosition);
  assert.equal(one(5) - one(4), 2 * perPosition);
});

test("WorkModel.ofLayers() adds up to all layers, each with its own window", () => {
  const { family } = fakeShape;
  const layers = [{ window: 10, rope: 0 }, { window: 0, rope: 0 }];
  const work = new WorkModel({ ...fakeShape, layerCount: 2, family: { ...family, layers } });
  const rows = { firstPosition: 100, rows: 3 };
  const [near, far] = [0, 1].map((from) => work.ofLayers({ from, to: from + 1 }, rows));
  assert.equal((near ?? 0) + (far ?? 0), work.of({ ...rows, logitRows: 0 }));
  assert.equal((far ?? 0) - (near ?? 0), (101 + 102 + 103 - 3 * 10) * 2 * 16 * 16 * 3);
});

test("WorkModel.rowsWithin() gives the most rows that fit", () => {
  const work = new WorkModel(fakeShape);
  for (const budget of [0, 1e6, 1e7, 1e8, Infinity]) {
    const rows = work.rowsWithin(budget, { firstPosition: 100, rowsMax: 50 });
    const cost = (count: number): number =>
      work.of({ firstPosition: 100, rows: count, logitRows: 0 });
    assert.ok(rows === 0 || cost(rows) <= budget);
    assert.ok(rows === 50 || cost(rows + 1) > budget);
  }
});
