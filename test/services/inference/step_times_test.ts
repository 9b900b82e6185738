import assert from "node:assert/strict";
import { test } from "node:test";
import { StepTimes } from "../../../src/services/inference/step_times.ts";

const alone = { decodingRows: 8, decodingWork: 800, promptWork: 0, computedMs: 8, ms: 10 };

test("StepTimes knows nothing of rows that it has not seen alone", () => {
  const times = new StepTimes();
  assert.equal(times.decodingMs(8, 800), undefined);
  assert.equal(times.promptWork(1000), undefined);
  times.observe(alone);
  assert.equal(times.decodingMs(8, 800), 10);
  assert.equal(times.decodingMs(7, 700), undefined);
  assert.equal(times.promptWorkBeside(7, { work: 700, share: 0.5 }), undefined);
});

test("StepTimes learns what a prompt's work adds to a step, and scales it to the share asked for", () => {
  const times = new StepTimes();
  times.observe(alone);
  // Before the first: as much as decoding rows cost.
  assert.equal(times.promptWorkBeside(8, { work: 800, share: 0.5 }), 400);
  for (let i = 0; i < 20; i++) times.observe({ ...alone, promptWork: 300, ms: 16 });
  const work = times.promptWorkBeside(8, { work: 800, share: 0.5 }) ?? NaN;
  assert.ok(Math.abs(work - 250) < 1);
});

test("StepTimes wants decoding rows timed alone again after a while", () => {
  const times = new StepTimes();
  times.observe(alone);
  let steps = 0;
  while (times.decodingMs(8, 800) !== undefined) {
    times.observe({ ...alone, promptWork: 300, ms: 16 });
    assert.ok(++steps < 1000);
  }
  assert.equal(steps, 32);
  times.observe(alone);
  assert.equal(times.decodingMs(8, 800), 10);
});

test("StepTimes forgets, and no long pause of the machine changes anything", () => {
  const times = new StepTimes();
  for (let i = 0; i < 3; i++) times.observe(alone);
  for (const ms of [10_000, 20_000]) times.observe({ ...alone, ms });
  assert.equal(times.decodingMs(8, 800), 10);
  for (let i = 0; i < 9; i++) times.observe({ ...alone, promptWork: 100, ms: 20 });
  times.observe({ ...alone, promptWork: 100, ms: 10_000 });
  assert.equal(times.promptWorkBeside(8, { work: 800, share: 1 }), 100);
  for (let i = 0; i < 3; i++) times.observe({ ...alone, ms: 30 });
  assert.equal(times.decodingMs(8, 800), 30);
});

test("StepTimes.choosingMs() is what a step of decoding rows takes beyond computing", () => {
  const times = new StepTimes();
  assert.equal(times.choosingMs(8), 0);
  times.observe(alone);
  times.observe({ ...alone, promptWork: 100, computedMs: 20, ms: 30 });
  assert.equal(times.choosingMs(8), 2);
});

test("StepTimes.slowdown() compares rows, and is 1 where it has not seen both", () => {
  const times = new StepTimes();
  times.observe({ ...alone, decodingRows: 1, ms: 8 });
  assert.equal(times.slowdown(4, 1), 1);
  times.observe({ ...alone, decodingRows: 4, ms: 12 });
  assert.equal(times.slowdown(4, 1), 1.5);
});

test("StepTimes keeps apart what a prompt's rows cost beside others and alone", () => {
  const times = new StepTimes();
  times.observe(alone);
  for (let i = 0; i < 20; i++) times.observe({ ...alone, promptWork: 100, ms: 20 });
  times.observe({ decodingRows: 0, decodingWork: 0, promptWork: 500, computedMs: 9, ms: 10 });
  assert.equal(times.promptWork(10), 500);
  const work = times.promptWorkBeside(8, { work: 800, share: 1 }) ?? NaN;
  assert.ok(Math.abs(work - 100) < 1);
});
