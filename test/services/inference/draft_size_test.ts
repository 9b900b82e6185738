import assert from "node:assert/strict";
import { test } from "node:test";
import { DraftSize } from "../../../src/services/inference/draft_size.ts";

test("DraftSize grows while drafts are right, up to its limit and the room there is", () => {
  const size = new DraftSize(7);
  assert.equal(size.next(100), 3);
  for (let i = 0; i < 5; i++) size.learn(3, 3);
  assert.equal(size.next(100), 7);
  assert.equal(size.next(2), 2);
  assert.ok(size.acceptance > 0.8);
});

test("DraftSize shrinks to what was right, and pauses for longer each time nothing was", () => {
  const size = new DraftSize(8);
  size.learn(6, 2);
  assert.equal(size.next(100), 3);
  const pauses: number[] = [];
  for (let pause = 0; pause < 3; pause++) {
    let steps = 0;
    while (size.next(100) > 0 && steps++ < 1000) size.learn(1, 0);
    let paused = 1;
    while (size.next(100) === 0) paused++;
    pauses.push(paused);
  }
  assert.deepEqual(pauses, [16, 32, 64]);
});

test("DraftSize of 0 never drafts", () => {
  assert.equal(new DraftSize(0).next(100), 0);
});
