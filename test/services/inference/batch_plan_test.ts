import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sharePrompts } from "../../../src/services/inference/batch_plan.ts";
import { WorkModel } from "../../../src/services/inference/work.ts";
import { fakeShape } from "./_fake_executor.ts";

const work = new WorkModel(fakeShape);
const rowWork = work.of({ firstPosition: 0, rows: 1, logitRows: 0 });

function share(
  pendings: readonly number[],
  room: { rowsMax?: number; workMax?: number; turn?: number },
): number[] {
  const prompts = pendings.map((pending) => ({ position: 0, pending }));
  return sharePrompts(prompts, { rowsMax: 64, workMax: Infinity, turn: 0, ...room, work });
}

test("sharePrompts() gives one prompt all there is, and several equal parts", () => {
  assert.deepEqual(share([1000], {}), [64]);
  assert.deepEqual(share([1000, 1000], {}), [32, 32]);
  assert.deepEqual(share([4, 1000, 1000], {}), [4, 30, 30]);
  assert.deepEqual(share([], {}), []);
});

test("sharePrompts() keeps to the work, and gives one row where not even that fits, each its turn", () => {
  assert.deepEqual(share([1000], { workMax: 5.5 * rowWork }), [5]);
  const turns = [0, 1, 2, 3].map((turn) => share([9, 9, 9], { workMax: 0, turn }));
  assert.deepEqual(turns, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]);
});

test("sharePrompts() never gives more than is pending or more rows than there may be", () => {
  const pending = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(pending, fc.integer({ min: 1, max: 300 }), fc.nat(20), (row, rowsMax, turn) => {
      const shares = share(row, { rowsMax, turn });
      const sum = shares.reduce((all, rows) => all + rows, 0);
      assert.ok(sum >= 1 && sum <= rowsMax);
      shares.forEach((rows, i) => assert.ok(rows <= (row[i] ?? 0)));
    }),
  );
});
