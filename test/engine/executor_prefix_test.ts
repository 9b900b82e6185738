// Goal: what a session takes over from an earlier one has the bits that it would have computed.
// Method: the WASM executor over a fixture; steps and layers of any size, cold and warm.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadExecutor } from "../../src/engine/mod.ts";
import type { ModelExecutor, Session } from "../../src/engine/mod.ts";
import { assertSameBits, testLinks } from "./_executor_contract.ts";
import { openFixture } from "./_fixtures.ts";
import { fixtureRuns } from "./_runs.ts";

function load(kvBytesMax?: number): Promise<ModelExecutor> {
  return openFixture("stories260K-q8_0").then((fixture) =>
    loadExecutor({ ...fixture, ...(kvBytesMax === undefined ? {} : { kvBytesMax }) })
  );
}

/** Tokens of which the first 48 are the same for all kinds, and the next 48 for every second. */
function tokensOf(kind: number, count: number): Uint32Array {
  return Uint32Array.from(
    { length: count },
    (_, i) => 1 + (i * 7 + (i < 48 ? 0 : i < 96 ? kind % 2 : kind)) % 500,
  );
}

async function compute(
  executor: ModelExecutor,
  session: Session,
  options: { readonly tokens: Uint32Array; readonly chunk: number },
): Promise<Float32Array> {
  const { tokens, chunk } = options;
  let logits = new Float32Array(0);
  while (session.positionCount < tokens.length) {
    const from = session.positionCount;
    const part = tokens.slice(from, from + chunk);
    logits = await executor.step([{ session, tokens: part, logits: "last" }]) as typeof logits;
  }
  return logits;
}

test("A session that takes pages over gives the bits of one that computes them, in any order", async () => {
  const cold = await load();
  const expected = new Map<string, Float32Array>();
  async function expectedOf(kind: number, count: number): Promise<Float32Array> {
    const key = `${kind} ${count}`;
    const known = expected.get(key);
    if (known !== undefined) return known;
    const session = cold.openSession();
    const logits = await compute(cold, session, { tokens: tokensOf(kind, count), chunk: 500 });
    session.drop();
    expected.set(key, logits);
    return logits;
  }
  const visit = fc.record({
    kind: fc.nat(3),
    count: fc.integer({ min: 1, max: 120 }),
    chunk: fc.constantFrom(1, 5, 32, 100),
    stays: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(visit, { minLength: 2, maxLength: 8 }),
      fc.constantFrom(8, 40),
      async (visits, pages) => {
        const executor = await load(pages * 40_960);
        const open: Session[] = [];
        for (const { kind, count, chunk, stays } of visits) {
          while (open.length > 1) open.shift()?.drop();
          const tokens = tokensOf(kind, count);
          const session = executor.openSession({ prefix: tokens });
          assert.ok(session.positionCount < count && session.positionCount % 32 === 0);
          const logits = await compute(executor, session, { tokens, chunk });
          assertSameBits(logits, await expectedOf(kind, count), `${kind} of ${count}`);
          if (stays) open.push(session);
          else session.drop();
        }
        for (const session of open) session.drop();
        assert.equal(executor.pages().used, 0);
        executor.close();
      },
    ),
    { numRuns: fixtureRuns(12) },
  );
  cold.close();
});

test("Rows that pass the layers in parts are found again when their tokens were told", async () => {
  const executor = await load();
  const tokens = tokensOf(1, 70);
  const { layerCount } = executor.shape;
  for (const known of [false, true]) {
    const session = executor.openSession({ prefix: tokens });
    assert.equal(session.positionCount, 0);
    let hidden = await executor.embed(tokens);
    for (let from = 0; from < layerCount; from += 2) {
      const entry = { session, firstPosition: 0, positionCount: tokens.length };
      const batch = [known ? { ...entry, tokens } : entry];
      hidden = await executor.forward({ from, to: Math.min(from + 2, layerCount) }, batch, hidden);
    }
    session.drop();
  }
  const session = executor.openSession({ prefix: tokens });
  assert.equal(session.positionCount, 64);
  const cold = executor.openSession();
  assertSameBits(
    await compute(executor, session, { tokens, chunk: 10 }),
    await compute(executor, cold, { tokens, chunk: 70 }),
    "after layers in parts",
  );
  assert.equal(executor.prefixCounters().hitPositions, 64);
  executor.close();
});

test("Wrong drafts leave no trace in what later sessions take over", async () => {
  const executor = await load();
  const tokens = tokensOf(2, 80);
  const session = executor.openSession();
  await compute(executor, session, { tokens: tokens.slice(0, 60), chunk: 60 });
  const drafts = Uint32Array.of(tokens[60] ?? 0, 9, 9, 9, 9, 9, 9, 9);
  await executor.step([{ session, tokens: drafts, logits: "all" }]);
  session.truncate(61);
  const logits = await compute(executor, session, { tokens, chunk: 1 });
  session.drop();
  const warm = executor.openSession({ prefix: tokens });
  assert.equal(warm.positionCount, 64);
  assertSameBits(await compute(executor, warm, { tokens, chunk: 16 }), logits, "warm");
  const cold = executor.openSession();
  assertSameBits(await compute(executor, cold, { tokens, chunk: 80 }), logits, "cold");
  executor.close();
});

test("A session that is told links instead of tokens takes over what was computed under them", async () => {
  const fixture = await openFixture("stories260K-q8_0");
  await testLinks(await loadExecutor(fixture));
});
