import assert from "node:assert/strict";
import { test } from "node:test";
import { LayerPace } from "../../../src/services/inference/layer_pace.ts";
import { WorkModel } from "../../../src/services/inference/work.ts";
import { fakeShape } from "./_fake_executor.ts";

const work = new WorkModel(fakeShape);
const layers = { from: 0, to: 8 };
const one = { from: 0, to: 1 };

/** A pace that has seen a layer of one row at `position` take `ms`. */
function paceOf(position: number, ms: number): LayerPace {
  const pace = new LayerPace(work);
  pace.observe({ firstPosition: position, rows: 1, layers: one }, { ms, choosingMs: 0 });
  return pace;
}

test("LayerPace passes as many layers as there is time for, at least one", () => {
  const pace = paceOf(10_000, 5);
  const rows = { firstPosition: 10_000, rows: 1, layers };
  assert.equal(pace.layersWithin(rows, { ms: 15.1, choosingMs: 0, rateGuess: 1 }), 3);
  assert.equal(pace.layersWithin(rows, { ms: 1, choosingMs: 0, rateGuess: 1 }), 1);
  assert.equal(pace.layersWithin(rows, { ms: 1000, choosingMs: 0, rateGuess: 1 }), 8);
});

test("LayerPace passes as many rows as one layer of them has time for, and tries twice as many first", () => {
  const pace = paceOf(10_000, 5);
  const rows = { firstPosition: 10_000, rows: 32, layers };
  // Five units, of which four are what rows share: a row more is a millisecond.
  const time = { ms: 12.1, choosingMs: 0, rateGuess: 1 };
  for (const tried of [2, 4, 8, 8]) {
    assert.equal(pace.rowsWithin(rows, time), tried);
    pace.observe({ ...rows, rows: tried, layers: one }, { ms: 4 + tried, choosingMs: 0 });
  }
  assert.equal(pace.rowsWithin(rows, { ms: 1, choosingMs: 0, rateGuess: 1 }), 1);
  // Where rows share less than thought, the trial says so.
  assert.equal(pace.rowsWithin(rows, { ms: 20.1, choosingMs: 0, rateGuess: 1 }), 16);
  pace.observe({ ...rows, rows: 16, layers: one }, { ms: 30, choosingMs: 0 });
  assert.equal(pace.rowsWithin(rows, { ms: 20.1, choosingMs: 0, rateGuess: 1 }), 8);
  // It is tried again when that was long ago.
  for (let i = 0; i < 513; i++) {
    pace.observe({ ...rows, rows: 8, layers: one }, { ms: 12, choosingMs: 0 });
  }
  assert.equal(pace.rowsWithin(rows, { ms: 20.1, choosingMs: 0, rateGuess: 1 }), 16);
});

test("LayerPace plans fewer rows where they are deeper, before it has seen one there", () => {
  const pace = new LayerPace(work);
  pace.observe({ firstPosition: 8000, rows: 16, layers: one }, { ms: 20, choosingMs: 0 });
  const [near, far] = [8000, 32_000].map((firstPosition) =>
    pace.rowsWithin({ firstPosition, rows: 32, layers }, { ms: 40.1, choosingMs: 0, rateGuess: 1 })
  );
  assert.deepEqual([near, far], [32, 4]);
});

test("LayerPace guesses at first, and is not misled by a pause of the machine", () => {
  const rows = { firstPosition: 8000, rows: 1, layers: one };
  const unit = work.ofLayers(one, { firstPosition: 8000, rows: 5 });
  const time = { ms: 10.1, choosingMs: 0, rateGuess: 5 / unit };
  const pace = new LayerPace(work);
  assert.equal(pace.layersWithin({ ...rows, layers }, time), 2);
  for (const ms of [2, 2, 2, 500, 2, 400]) pace.observe(rows, { ms, choosingMs: 0 });
  assert.equal(pace.layersWithin({ ...rows, layers }, time), 5);
});

test("LayerPace fits the rows to the costliest layer, where windows differ", () => {
  const { family } = fakeShape;
  const windows = [{ window: 64, rope: 0 }, { window: 0, rope: 0 }];
  const shape = { ...fakeShape, layerCount: 2, family: { ...family, layers: windows } };
  const pace = new LayerPace(new WorkModel(shape));
  pace.observe({ firstPosition: 10_000, rows: 8, layers: { from: 1, to: 2 } }, {
    ms: 12,
    choosingMs: 0,
  });
  const all = { firstPosition: 10_000, rows: 32, layers: { from: 0, to: 2 } };
  assert.equal(pace.rowsWithin(all, { ms: 12.1, choosingMs: 0, rateGuess: 1 }), 8);
});

test("LayerPace lets rows take what others need to choose, but not several layers unseen", () => {
  const pace = new LayerPace(work);
  const rows = { firstPosition: 10_000, rows: 1, layers };
  const time = { ms: 7, choosingMs: 8, rateGuess: 1 };
  pace.observe({ ...rows, layers: one }, { ms: 8, choosingMs: 8 });
  // Nothing was noticed, so twice as many rows are tried; of two layers one might be.
  assert.equal(pace.rowsWithin({ ...rows, rows: 32 }, time), 2);
  assert.equal(pace.layersWithin(rows, time), 1);
  pace.observe({ ...rows, rows: 2, layers: one }, { ms: 16, choosingMs: 8 });
  assert.equal(pace.rowsWithin({ ...rows, rows: 32 }, time), 1);
});
