// Goal: what a sequence gives does not depend on what it drafts. Method: an executor whose logits are a
// digest of the tokens before them, and a "sampler" that repeats itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Batcher } from "../../../src/services/inference/batcher.ts";
import { Sequence } from "../../../src/services/inference/sequence.ts";
import { VirtualClock } from "../../../src/sim/mod.ts";
import { drive, FakeExecutor, fakeLogits } from "./_fake_executor.ts";

const never = new AbortController().signal;

interface Walked {
  readonly steps: number;
  readonly drafted: number;
  readonly accepted: number;
}

/** Extends by a prompt and the given answer, checking every row. */
async function walk(speculate: number, answer: readonly number[]): Promise<Walked> {
  const clock = new VirtualClock();
  const executor = new FakeExecutor({ clock, pageCount: 100 });
  const batcher = new Batcher({ executor, clock, promptChunk: 64 });
  const sums = { drafted: 0, accepted: 0 };
  const sequence = new Sequence({
    batcher,
    speculate,
    contextMax: 1000,
    signal: never,
    onDrafted: (drafted, accepted) => {
      sums.drafted += drafted;
      sums.accepted += accepted;
    },
  });
  const tokens = [1, 2, 3, 4, 5, 6, 7, 8];
  let row = await drive(clock, sequence.extend(Uint32Array.from(tokens)));
  for (const token of answer) {
    assert.deepEqual([...row], fakeLogits(tokens).map(Math.fround));
    tokens.push(token);
    row = await drive(clock, sequence.extend(Uint32Array.of(token)));
  }
  assert.deepEqual([...row], fakeLogits(tokens).map(Math.fround));
  sequence.close();
  assert.equal(executor.pages().used, 0);
  return { steps: executor.steps.length, ...sums };
}

const quoting = Array.from({ length: 64 }, (_, i) => 1 + i % 8);
const wandering = Array.from({ length: 64 }, (_, i) => (i * i * 7) % 61);

test("Sequence.extend() gives the same rows with and without drafts, in fewer steps where it quotes", async () => {
  const plain = await walk(0, quoting);
  assert.deepEqual(plain, { steps: 65, drafted: 0, accepted: 0 });
  const quick = await walk(7, quoting);
  assert.ok(quick.steps < 20, `${quick.steps} steps`);
  assert.ok(quick.accepted > 40 && quick.accepted <= quick.drafted);
});

test("Sequence.extend() gives the right rows after drafts that were wrong or half right", async () => {
  const { steps } = await walk(7, wandering);
  assert.ok(steps <= 65);
  const halfRight = [1, 2, 3, 9, 1, 2, 3, 10, 1, 2, 3, 11, 1, 2, 3, 12];
  await walk(7, halfRight);
  await walk(3, [...quoting, ...wandering, ...quoting]);
});
