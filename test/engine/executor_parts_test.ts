/**
 * A model in several memories: the executor's contract, and equal bits with one memory.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadExecutor } from "../../src/engine/mod.ts";
import type { StepEntry } from "../../src/engine/mod.ts";
import { ChainedExecutor } from "../../src/engine/_chained_executor.ts";
import {
  assertSameBits,
  hasCode,
  storyTokens,
  testExecutorContract,
  testLinks,
} from "./_executor_contract.ts";
import type { ContractOptions } from "./_executor_contract.ts";
import { isLong } from "../_long.ts";
import { fixtureNames, openFixture } from "./_fixtures.ts";
import type { Fixture } from "./_fixtures.ts";
import { testRejectionContract } from "./_rejection_contract.ts";

/** Loads with memories of so many bytes that there must be two or three. */
async function inParts(
  fixture: Fixture,
  options: ContractOptions,
  { kvBytesMax = 6_000_000, fromBytes = 12_000_000 } = {},
): Promise<ChainedExecutor> {
  for (let partBytesMax = fromBytes;; partBytesMax += 250_000) {
    try {
      const limits = { partBytesMax, kvBytesMax };
      const executor = await loadExecutor({ ...fixture, ...options, ...limits });
      assert.ok(executor instanceof ChainedExecutor, `one memory of ${partBytesMax} bytes`);
      return executor;
    } catch (thrown) {
      if (!hasCode("no-memory")(thrown)) throw thrown;
    }
  }
}

testExecutorContract("loadExecutor() in parts", async (fixture, options) => {
  const { layers = { from: 0, to: fixture.shape.layerCount } } = options;
  if (layers.to - layers.from === 1) return await loadExecutor({ ...fixture, ...options });
  return await inParts(fixture, options);
}, isLong ? fixtureNames : ["stories260K-f32", "stories260K-q8_0", "babyllama-tok105-q4_0"]);

testRejectionContract("loadExecutor() in parts", (fixture) => inParts(fixture, {}));

test("parts give the bits of one memory, step by step, with forks and taken-over prefixes", async () => {
  const fixture = await openFixture("stories260K-q8_0");
  const [whole, parts] = [await loadExecutor(fixture), await inParts(fixture, {})];
  const tokens = Uint32Array.from(storyTokens);
  const run = async (part: Uint32Array, logits: StepEntry["logits"]): Promise<void> => {
    const [expected, actual] = [await whole.step([entry(0)]), await parts.step([entry(1)])];
    assertSameBits(actual, expected, `${part.length} tokens`);
    function entry(i: number): StepEntry {
      return { session: sessions[i] ?? assert.fail(), tokens: part, logits };
    }
  };
  let sessions = [whole.openSession(), parts.openSession()];
  await run(tokens.subarray(0, 40), "last");
  await run(tokens.subarray(40, 41), "all");
  await run(tokens.subarray(41, 70), "all");
  sessions = sessions.map((session) => session.fork());
  for (const session of sessions) session.truncate(35);
  await run(tokens.subarray(35, 36), "none");
  await run(tokens.subarray(36, 40), "last");
  for (const session of sessions) session.drop();
  sessions = [whole, parts].map((each) => each.openSession({ prefix: tokens }));
  assert.deepEqual(sessions.map(({ positionCount }) => positionCount), [32, 32]);
  assert.deepEqual(parts.prefixCounters(), whole.prefixCounters());
  await run(tokens.subarray(32, 70), "all");
  await assert.rejects(parts.encode([tokens]), hasCode("not-held"));
  for (const executor of [whole, parts]) executor.close();
  assert.equal(await parts.closed, undefined);
});

test("a part that has no room leaves the others as they were", async () => {
  const fixture = await openFixture("stories260K-f32");
  const executor = await inParts(fixture, {}, { kvBytesMax: 200_000, fromBytes: 8_500_000 });
  const { total } = executor.pages();
  assert.ok(total > 1 && total < 9);
  const tokens = Uint32Array.from({ length: 32 + total }, (_, i) => i);
  const sessions = Array.from({ length: total }, () => executor.openSession());
  // Other tokens for each, as equal ones would share a page.
  for (const [i, session] of sessions.entries()) {
    const own = tokens.subarray(i, i + 32);
    await executor.step([{ session, tokens: own, logits: "none" }]);
  }
  const [first] = sessions;
  assert.ok(first !== undefined);
  assert.throws(() => executor.openSession(), hasCode("no-memory"));
  const more = { session: first, tokens: tokens.subarray(0, 1), logits: "last" } as const;
  await assert.rejects(executor.step([more]), hasCode("no-memory"));
  assert.equal(first.positionCount, 32);
  sessions[1]?.drop();
  await executor.step([more]);
  assert.equal(first.positionCount, 33);
  executor.close();
  await assert.rejects(executor.step([more]), hasCode("closed"));
});

test("a machine that has not got the sum of the parts is told so", async () => {
  const fixture = await openFixture("stories260K-f32");
  await assert.rejects(
    loadExecutor({ ...fixture, partBytesMax: 9_200_000, memoryBytesMax: 9_300_000 }),
    hasCode("no-memory", /the machine has 9300000 bytes: .* need \d+; \d of its 5 layers/),
  );
  await assert.rejects(
    loadExecutor({ ...fixture, partBytesMax: 1_000_000, memoryBytesMax: 3_000_000 }),
    hasCode("no-memory", /the machine has 3000000 bytes: .* need \d+/),
  );
  await assert.rejects(
    loadExecutor({ ...fixture, partBytesMax: 1_000_000, memoryBytesMax: 2 ** 40 }),
    hasCode("no-memory", /16 memories of 1000000 bytes, .* do not hold it/),
  );
});

test("parts take over what was computed under links", async () => {
  await testLinks(await inParts(await openFixture("stories260K-q8_0"), {}));
});
