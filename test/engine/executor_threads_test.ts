/**
 * Threads: equal bits with any number of them, one round trip from tokens to logits, and what
 * happens when one dies.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { isLong } from "../_long.ts";
import { EngineError, loadExecutor } from "../../src/engine/mod.ts";
import type { Session, StepEntry } from "../../src/engine/mod.ts";
import { WasmExecutor } from "../../src/engine/_wasm_executor.ts";
import { assertSameBits, hasCode, runTokens, storyTokens } from "./_executor_contract.ts";
import { digestsOf, readGolden } from "./_digests.ts";
import { fixtureNames, openFixture } from "./_fixtures.ts";
import { fixtureRuns } from "./_runs.ts";

const threadCounts = [1, 2, 3] as const;

test("every number of threads gives the golden digests, by one pass and by positions", async () => {
  const { fixtures } = readGolden();
  for (const name of fixtureNames) {
    const expected = fixtures[name];
    assert.ok(expected !== undefined);
    const quantised = name.endsWith("q8_0");
    for (const threads of quantised && isLong ? [2, 3] : [quantised ? 3 : 2]) {
      const executor = await loadExecutor({ ...await openFixture(name), threads });
      assert.equal(executor.threadCount, threads);
      for (const chunk of quantised && (isLong || name.startsWith("stories")) ? [32, 1] : [32]) {
        const actual = await digestsOf(executor, expected.tokens, chunk);
        assert.deepEqual(actual, expected, `${name} with ${threads} threads by ${chunk}`);
      }
      executor.close();
    }
  }
});

test("step() gives the bits of embed(), forward() and head() for random mixed batches", async () => {
  const fixture = await openFixture("stories260K-q8_0");
  const reference = await loadExecutor(fixture);
  const hidden = await runTokens(reference, reference.openSession(), storyTokens);
  const logits = await reference.head(hidden);
  const { vocabularySize } = reference.shape;
  reference.close();
  const part = fc.record({
    count: fc.integer({ min: 0, max: 40 }),
    logits: fc.constantFrom<StepEntry["logits"]>("none", "last", "all"),
  });
  const schedule = fc.array(fc.array(part, { minLength: 3, maxLength: 3 }), { minLength: 1 });
  for (const threads of threadCounts) {
    const executor = await loadExecutor({ ...fixture, threads });
    const property = fc.asyncProperty(schedule, async (steps) => {
      const sessions = [0, 1, 2].map(() => executor.openSession());
      for (const parts of steps) {
        const entries = parts.flatMap(({ count, logits }, i): StepEntry[] => {
          const session = sessions[i] as Session;
          const from = session.positionCount;
          const tokens = Uint32Array.from(storyTokens.slice(from, from + count));
          return tokens.length > 0 ? [{ session, tokens, logits }] : [];
        });
        if (entries.length === 0) continue;
        const wanted = entries.flatMap(({ session, tokens, logits }) => {
          const from = session.positionCount;
          const positions = Array.from(tokens, (_, i) => from + i);
          return logits === "all" ? positions : logits === "last" ? positions.slice(-1) : [];
        });
        const actual = await executor.step(entries);
        assert.equal(actual.length, wanted.length * vocabularySize);
        wanted.forEach((position, i) =>
          assertSameBits(
            actual.slice(i * vocabularySize, (i + 1) * vocabularySize),
            logits.slice(position * vocabularySize, (position + 1) * vocabularySize),
            `position ${position} with ${threads} threads`,
          )
        );
      }
      for (const session of sessions) session.drop();
      assert.equal(executor.pages().used, 0);
    });
    await fc.assert(property, { numRuns: fixtureRuns(15) });
    executor.close();
  }
});

test("step() passes more rows than a chunk, and more logits than fit at once", async () => {
  const fixture = await openFixture("stories260K-f32");
  const shape = { ...fixture.shape, contextMax: 512 };
  const tokens = Uint32Array.from({ length: 300 }, (_, i) => (i * 31) % 512);
  const rows = new Map<number, Float32Array>();
  for (const threads of threadCounts) {
    const executor = await loadExecutor({ ...fixture, shape, threads });
    const session = executor.openSession();
    const logits = await executor.step([{ session, tokens, logits: "all" }]);
    assert.equal(session.positionCount, 300);
    rows.set(threads, logits);
    const alone = executor.openSession();
    let last = last0();
    for (let i = 0; i < 300; i += 7) {
      const part = tokens.subarray(i, i + 7);
      last = await executor.step([{ session: alone, tokens: part, logits: "last" }]);
    }
    assertSameBits(last, logits.slice(299 * 512), "by sevens");
    executor.close();
  }
  for (const threads of [2, 3]) {
    assertSameBits(rows.get(threads) ?? last0(), rows.get(1) ?? last0(), `${threads} threads`);
  }
});

test("step() refuses what does not fit, and keeps sessions as they were", async () => {
  const executor = await loadExecutor({ ...await openFixture("stories260K-f32"), contextMax: 8 });
  const session = executor.openSession();
  const step = (tokens: readonly number[], logits: StepEntry["logits"] = "last") =>
    executor.step([{ session, tokens: Uint32Array.from(tokens), logits }]);
  await step([1, 2, 3]);
  await assert.rejects(step([]), RangeError);
  await assert.rejects(step([512]), RangeError);
  await assert.rejects(step([1, 2, 3, 4, 5, 6]), hasCode("context-full"));
  const entry = { session, tokens: Uint32Array.of(1), logits: "none" } as const;
  await assert.rejects(executor.step([entry, entry]), RangeError);
  await assert.rejects(executor.step([]), RangeError);
  await assert.rejects(executor.step([entry], AbortSignal.abort(new RangeError("no"))), /no/);
  assert.equal(session.positionCount, 3);
  assert.equal((await step([4], "none")).length, 0);
  assert.equal(session.positionCount, 4);
  executor.close();
  const middle = await loadExecutor({
    ...await openFixture("stories260K-f32"),
    layers: { from: 1, to: 5 },
  });
  const other = middle.openSession();
  await assert.rejects(
    middle.step([{ session: other, tokens: Uint32Array.of(1), logits: "last" }]),
    hasCode("not-held"),
  );
  middle.close();
});

test("a thread that dies ends the others, and every call, with thread-died", async () => {
  for (const victim of [0, 1]) {
    const fixture = await openFixture("babyllama-tok105-f32");
    const executor = await loadExecutor({ ...fixture, threads: 3 });
    assert.ok(executor instanceof WasmExecutor);
    const tokens = Uint32Array.from({ length: 128 }, (_, i) => i % 105);
    const session = executor.openSession();
    const running = executor.step([{ session, tokens, logits: "last" }]);
    const waiting = executor.embed(tokens);
    await new Promise((resolve) => setTimeout(resolve, 0));
    executor.killThread(victim);
    await assert.rejects(running, hasCode("thread-died", new RegExp(`thread ${victim}`)));
    await assert.rejects(waiting, hasCode("thread-died"));
    await assert.rejects(executor.embed(tokens), hasCode("thread-died"));
    assert.equal(session.positionCount, 0);
    const reason = await executor.closed;
    assert.ok(reason instanceof EngineError && reason.code === "thread-died");
    executor.close();
  }
});

test("a thread that dies while nothing runs is noticed", async () => {
  const executor = await loadExecutor({ ...await openFixture("stories260K-f32"), threads: 2 });
  assert.ok(executor instanceof WasmExecutor);
  await executor.embed(Uint32Array.of(1));
  executor.killThread(1);
  assert.equal((await executor.closed)?.code, "thread-died");
  await assert.rejects(executor.embed(Uint32Array.of(1)), hasCode("thread-died"));
  executor.close();
});

test("close() settles closed with nothing, and a wrong number of threads is refused", async () => {
  const fixture = await openFixture("stories260K-f32");
  const executor = await loadExecutor(fixture);
  assert.equal(executor.threadCount, 1, "a small model has one thread");
  executor.close();
  assert.equal(await executor.closed, undefined);
  for (const threads of [0, 1.5, 33, NaN]) {
    await assert.rejects(loadExecutor({ ...fixture, threads }), /"threads" must be .* 1 to 32/);
  }
});

test("an executor keeps the process alive while it computes, and only then", async () => {
  const flags = "deno" in process.versions ? ["run", "--no-prompt", "--allow-read"] : [];
  const main = fileURLToPath(new URL("alive_main.ts", import.meta.url));
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [...flags, main], { timeout: 60_000 });
  assert.equal(stdout, "105 logits\n");
});

function last0(): Float32Array {
  return new Float32Array();
}
