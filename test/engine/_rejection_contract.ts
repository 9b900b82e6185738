/**
 * What every executor with steps must do when a call fails: sessions hold what they held before.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelExecutor } from "../../src/engine/mod.ts";
import { assertSameBits, hasCode, storyTokens } from "./_executor_contract.ts";
import { fixtureBytes, openBytes, openFixture } from "./_fixtures.ts";
import type { Fixture } from "./_fixtures.ts";

/** Opens a fixture in the executor under test. */
export type StepperFactory = (fixture: Fixture) => Promise<ModelExecutor>;

const tokens = Uint32Array.from(storyTokens);

/** Registers the suite's tests. */
export function testRejectionContract(name: string, create: StepperFactory): void {
  test(`${name} forgets a step whose head fails`, async () => {
    const executor = await create(await withBrokenHead());
    const sessions = [executor.openSession(), executor.openSession()];
    await executor.step(
      sessions.map((session) => ({ session, tokens: tokens.subarray(0, 40), logits: "none" })),
    );
    const { used } = executor.pages();
    const more = tokens.subarray(40, 70);
    await assert.rejects(
      executor.step(sessions.map((session) => ({ session, tokens: more, logits: "last" }))),
      hasCode("not-a-number", /the head/),
    );
    assert.deepEqual(sessions.map(({ positionCount }) => positionCount), [40, 40]);
    assert.equal(executor.pages().used, used);
    executor.close();
  });

  test(`${name} forgets a step that is aborted, whenever that is`, async () => {
    const executor = await create(await openFixture("stories260K-q8_0"));
    const fresh = { session: executor.openSession(), tokens, logits: "all" } as const;
    const expected = await executor.step([fresh]);
    const session = executor.openSession();
    await executor.step([{ session, tokens: tokens.subarray(0, 40), logits: "none" }]);
    const { used } = executor.pages();
    const entry = { session, tokens: tokens.subarray(40), logits: "all" } as const;
    let aborted = 0;
    for (let turns = 0; turns < 40; turns++) {
      const result = await abortAfter(turns, (signal) => executor.step([entry], signal));
      if (result === undefined) {
        aborted++;
        assert.equal(session.positionCount, 40, `after ${turns} turns`);
        assert.equal(executor.pages().used, used, `after ${turns} turns`);
      } else session.truncate(40);
    }
    assert.ok(aborted > 0);
    const { vocabularySize } = executor.shape;
    assertSameBits(await executor.step([entry]), expected.slice(40 * vocabularySize), "after");
    executor.close();
  });

  test(`${name} keeps the sessions of a step to itself`, async () => {
    const executor = await create(await openFixture("stories260K-q8_0"));
    const session = executor.openSession();
    const entry = { session, tokens: tokens.subarray(0, 2), logits: "last" } as const;
    await assert.rejects(executor.step([entry, entry]), /a session may be in a batch only once/);
    await executor.step([entry]);
    assert.equal(session.positionCount, 2);
    executor.close();
  });
}

/** A model whose output norm makes logits infinite. */
async function withBrokenHead(): Promise<Fixture> {
  const bytes = fixtureBytes("stories260K-f32");
  const { file } = await openBytes("broken head", bytes);
  const norm = file.tensors.get("output_norm.weight");
  assert.ok(norm !== undefined);
  const view = new DataView(bytes.buffer, bytes.byteOffset + norm.offset, norm.sizeBytes);
  for (let at = 0; at < norm.sizeBytes; at += 4) view.setFloat32(at, 3e38, true);
  return await openBytes("broken head", bytes);
}

/** A call's result, or undefined when it was aborted after so many turns of the event loop. */
async function abortAfter<T>(
  turns: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const control = new AbortController();
  const enough = new RangeError("enough");
  const going = call(control.signal).catch((thrown) => {
    if (thrown !== enough) throw thrown;
    return undefined;
  });
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  control.abort(enough);
  return await going;
}
