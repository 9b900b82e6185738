// Goal: sequences that share steps get what each would get alone; time, pages and failures are shared
// out as promised. Method: an executor whose logits tell what it was given, in virtual time.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EngineError } from "../../../src/engine/mod.ts";
import { Batcher } from "../../../src/services/inference/batcher.ts";
import type { BatcherOptions } from "../../../src/services/inference/batcher.ts";
import type { BatchMember } from "../../../src/services/inference/batch_member.ts";
import { VirtualClock } from "../../../src/sim/mod.ts";
import { drive, FakeExecutor, fakeLogits } from "./_fake_executor.ts";
import type { FakeOptions } from "./_fake_executor.ts";

const runs = 40 * Number(process.env["SKEP_TEST_RUNS"] ?? "1");

interface Bench {
  readonly clock: VirtualClock;
  readonly executor: FakeExecutor;
  readonly batcher: Batcher;
}

function bench(
  options: Partial<FakeOptions> & Partial<BatcherOptions> = {},
): Bench {
  const clock = new VirtualClock();
  const executor = new FakeExecutor({ clock, ...options });
  const batcher = new Batcher({ promptChunk: 64, ...options, executor, clock });
  return { clock, executor, batcher };
}

/** A prompt of `count` tokens that begins like no other's. */
function prompt(name: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => name * 10_000 + i);
}

/** Computes a prompt and then `count` tokens, checking every row. */
async function walk(
  member: BatchMember,
  options: {
    readonly tokens: readonly number[];
    readonly count: number;
    readonly onToken?: () => void;
  },
): Promise<void> {
  const tokens = [...options.tokens];
  let [row] = await member.compute(tokens);
  for (let i = 0;; i++) {
    assert.deepEqual([...row ?? []], fakeLogits(tokens).map(Math.fround));
    options.onToken?.();
    if (i === options.count) return;
    tokens.push(i);
    [row] = await member.compute([i]);
  }
}

const never = new AbortController().signal;

test("Batcher gives each sequence its own rows, whoever joins and leaves, in few pages or many", async () => {
  const sequence = fc.record({
    startMs: fc.nat(60),
    length: fc.integer({ min: 1, max: 150 }),
    count: fc.integer({ min: 0, max: 40 }),
    pauseMs: fc.constantFrom(0, 0, 0, 7),
    shared: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(sequence, { minLength: 1, maxLength: 7 }),
      fc.constantFrom(0, 7, 12, 40),
      async (sequences, pageCount) => {
        const { clock, executor, batcher } = bench({ pageCount });
        const work = sequences.map(async (one, i) => {
          await clock.sleep(one.startMs);
          const member = batcher.join(never);
          const tokens = prompt(one.shared ? 99 : i, one.length);
          let [row] = await member.compute(tokens);
          for (let step = 0; step < one.count; step++) {
            assert.deepEqual([...row ?? []], fakeLogits(tokens).map(Math.fround));
            if (one.pauseMs > 0) await clock.sleep(one.pauseMs);
            tokens.push(i);
            [row] = await member.compute([i]);
          }
          assert.deepEqual([...row ?? []], fakeLogits(tokens).map(Math.fround));
          member.leave();
        });
        await drive(clock, Promise.all(work));
        assert.equal(executor.pages().used, 0);
      },
    ),
    { numRuns: runs },
  );
});

test("Batcher puts all who decode into one step", async () => {
  const { clock, executor, batcher } = bench();
  await drive(
    clock,
    Promise.all(
      [1, 2, 3, 4].map((name) => walk(batcher.join(never), { tokens: prompt(name, 1), count: 10 })),
    ),
  );
  assert.deepEqual(executor.steps, new Array(11).fill([1, 1, 1, 1]));
});

/** Milliseconds of a step: 4, 1 for each row, and for each position that a prompt's row sees. */
function stepMsOf(positionMs: number): NonNullable<FakeOptions["stepMs"]> {
  return (entries) =>
    entries.reduce((sum, { session, tokens }) => {
      // Decoding rows cost the same throughout, so that gaps can be compared.
      const isPrompt = (tokens[0] ?? 0) >= 10_000;
      const seen = isPrompt ? session.positionCount + tokens.length / 2 : 0;
      return sum + tokens.length * (1 + seen * positionMs);
    }, 4);
}

/** Gaps between the tokens of eight decoders, alone and beside a prompt that joins them. */
async function gapsBeside(
  options: {
    readonly stepMs: NonNullable<FakeOptions["stepMs"]>;
    readonly promptTokens: number;
  },
): Promise<{ readonly alone: number[]; readonly beside: number[]; readonly promptMs: number }> {
  const { clock, batcher } = bench({ stepMs: options.stepMs });
  const gaps: { alone: number[]; beside: number[] } = { alone: [], beside: [] };
  let list = gaps.alone;
  const stop = new AbortController();
  const deciders = [1, 2, 3, 4, 5, 6, 7, 8].map(async (name) => {
    let lastMs = NaN;
    await walk(batcher.join(stop.signal), {
      tokens: prompt(name, 5),
      count: Infinity,
      onToken: () => {
        const nowMs = clock.monotonicMs();
        if (lastMs > 0) list.push(nowMs - lastMs);
        lastMs = nowMs;
      },
    });
  });
  const joining = (async (): Promise<number> => {
    await clock.sleep(500);
    list = gaps.beside;
    await walk(batcher.join(never), { tokens: prompt(9, options.promptTokens), count: 0 });
    const promptMs = clock.monotonicMs() - 500;
    stop.abort();
    return promptMs;
  })();
  const [promptMs] = await drive(clock, Promise.all([joining, Promise.allSettled(deciders)]));
  return { ...gaps, promptMs };
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? NaN;
}

test("A long prompt makes nobody's token come later than twice as late, and still progresses", async () => {
  const { alone, beside, promptMs } = await gapsBeside({
    stepMs: stepMsOf(0.005),
    promptTokens: 800,
  });
  assert.ok(alone.length > 100 && beside.length > 500);
  assert.ok(p99(beside) < 2 * p99(alone), `${p99(beside)} ms beside, ${p99(alone)} ms alone`);
  assert.ok(promptMs < 20_000, `the prompt took ${promptMs} ms`);
});

test("Nor does a prompt so deep that one row of it takes longer than all who decode", async () => {
  // A row at position 600 takes 1 + 24 ms, where eight decoding rows take 13.
  const { alone, beside, promptMs } = await gapsBeside({
    stepMs: stepMsOf(0.04),
    promptTokens: 600,
  });
  assert.ok(p99(beside) < 2 * p99(alone), `${p99(beside)} ms beside, ${p99(alone)} ms alone`);
  assert.ok(promptMs < 90_000, `the prompt took ${promptMs} ms`);
});

test("Short prompts beside a deep one and an answer are computed soon", async () => {
  const { clock, batcher } = bench({ stepMs: stepMsOf(0.003) });
  const stop = new AbortController();
  const others = [1, 2].map((name) =>
    walk(batcher.join(stop.signal), {
      tokens: prompt(name, name === 1 ? 5 : 60_000),
      count: name === 1 ? Infinity : 0,
    })
  );
  const settled = Promise.allSettled(others);
  const waited = (async (): Promise<number> => {
    await clock.sleep(30_000);
    for (const name of [3, 4, 5, 6]) {
      const member = batcher.join(never);
      await walk(member, { tokens: prompt(name, 16), count: 10 });
      member.leave();
    }
    const endMs = clock.monotonicMs();
    stop.abort();
    return endMs - 30_000;
  })();
  const ms = await drive(clock, waited);
  await drive(clock, settled);
  assert.ok(ms < 4000, `${ms} ms for four requests`);
});

test("A short prompt is not stuck behind a long one", async () => {
  const { clock, batcher } = bench({ stepMs: stepMsOf(0.005) });
  const order: string[] = [];
  const long = walk(batcher.join(never), { tokens: prompt(1, 2000), count: 0 })
    .then(() => order.push("long"));
  const short = clock.sleep(200)
    .then(() => walk(batcher.join(never), { tokens: prompt(2, 100), count: 0 }))
    .then(() => order.push(`short after ${Math.round(clock.monotonicMs() / 1000)} s`));
  await drive(clock, Promise.all([long, short]));
  assert.match(order[0] ?? "", /^short after [01] s$/);
});

test("A prompt alone is computed in chunks of promptChunk", async () => {
  const { clock, executor, batcher } = bench({ promptChunk: 64 });
  await drive(clock, walk(batcher.join(never), { tokens: prompt(1, 300), count: 0 }));
  assert.deepEqual(executor.steps.flat(), [32, 64, 64, 64, 64, 12]);
});

test("Sequences that begin alike let one of them compute what they share", async () => {
  const { clock, executor, batcher } = bench();
  const work = [7, 7, 7].map((name) =>
    walk(batcher.join(never), { tokens: prompt(name, 160), count: 1 })
  );
  await drive(clock, Promise.all(work));
  // No prefix cache here, so the others compute it after the first has.
  assert.deepEqual(executor.steps.slice(0, 3).map((step) => step.length), [1, 1, 1]);
});

test("A row that fails a step fails its own sequence and no other", async () => {
  const bad = 666;
  const { clock, batcher } = bench({
    failure: (entries) =>
      entries.some(({ tokens }) => tokens.includes(bad))
        ? new EngineError({ code: "not-a-number", message: "Cannot go on as a row holds NaN" })
        : undefined,
  });
  const good = [1, 2, 3].map((name) =>
    walk(batcher.join(never), { tokens: prompt(name, 40), count: 20 })
  );
  const culprit = clock.sleep(10).then(() => batcher.join(never).compute([1, 2, bad]));
  const [outcome] = await drive(clock, Promise.allSettled([culprit, ...good]));
  assert.ok(outcome?.status === "rejected" && outcome.reason instanceof EngineError);
  await Promise.all(good);
});

test("A caller that goes away gives its pages back after the running step, and stops it when alone", async () => {
  const { clock, executor, batcher } = bench({ pageCount: 40, stepMs: () => 100 });
  const [first, second] = [new AbortController(), new AbortController()];
  const members = [batcher.join(first.signal), batcher.join(second.signal)];
  await drive(clock, Promise.all(members.map((one, i) => one.compute(prompt(i, 12)))));
  const [one, other] = members.map((member) => member.compute([5]));
  assert.ok(one !== undefined && other !== undefined);
  await clock.advance(50);
  first.abort(new RangeError("gone"));
  await assert.rejects(one, /gone/);
  assert.equal(executor.pages().used, 2, "a step that runs keeps its sessions");
  await drive(clock, other);
  assert.equal(executor.pages().used, 1);
  const last = members[1]?.compute([6]) ?? Promise.resolve();
  last.catch(() => {});
  await clock.advance(50);
  const abortedMs = clock.monotonicMs();
  second.abort(new RangeError("gone too"));
  await assert.rejects(last, /gone too/);
  await clock.advance(1);
  assert.ok(clock.monotonicMs() - abortedMs < 10);
  assert.equal(executor.pages().used, 0);
});

test("When pages are short the youngest waits, and everybody ends as if there were enough", async () => {
  let preempted = 0;
  const { clock, batcher } = bench({ pageCount: 6, onPreempted: () => void preempted++ });
  const work = [1, 2, 3, 4].map((name) =>
    walk(batcher.join(never), { tokens: prompt(name, 40), count: 100 })
  );
  const members = await drive(clock, Promise.all(work));
  assert.equal(members.length, 4);
  assert.ok(preempted > 0);
});

test("A sequence that does not fit in all pages fails, and the next one is served", async () => {
  const { clock, batcher } = bench({ pageCount: 2 });
  const member = batcher.join(never);
  await assert.rejects(
    drive(clock, member.compute(prompt(1, 100))),
    (thrown: unknown) => thrown instanceof EngineError && thrown.code === "no-memory",
  );
  member.leave();
  await drive(clock, walk(batcher.join(never), { tokens: prompt(2, 60), count: 2 }));
});

test("Drafts are computed with their token, and are nobody's business when they were wrong", async () => {
  const { clock, executor, batcher } = bench();
  const member = batcher.join(never);
  await drive(clock, member.compute([1, 2, 3]));
  const rows = await drive(clock, member.compute([4], [5, 6]));
  assert.deepEqual(
    rows.map((row) => [...row]),
    [[1, 2, 3, 4], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]].map((tokens) =>
      fakeLogits(tokens).map(Math.fround)
    ),
  );
  member.accept(5);
  const [row] = await drive(clock, member.compute([9]));
  assert.deepEqual([...row ?? []], fakeLogits([1, 2, 3, 4, 5, 9]).map(Math.fround));
  assert.deepEqual(executor.steps, [[3], [3], [1]]);
});

test("Everybody who waits is told when the executor is closed, in a step or between two", async () => {
  const { clock, executor, batcher } = bench();
  const work = [1, 2].map((name) => batcher.join(never).compute(prompt(name, 500)));
  const settled = Promise.allSettled(work);
  await clock.advance(3.5);
  executor.close();
  for (const outcome of await drive(clock, settled)) {
    assert.ok(outcome.status === "rejected" && outcome.reason instanceof EngineError);
    assert.equal(outcome.reason.code, "closed");
  }
  await assert.rejects(drive(clock, batcher.join(never).compute([1])), /closed/);
});
