/**
 * What every executor must do, whoever implements it: the contract suite takes a factory.
 *
 * Arithmetic is compared with the golden digests; the rest is about sessions and refusals.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  EngineErrorCode,
  Executor,
  LayerRange,
  ModelExecutor,
  Session,
} from "../../src/engine/mod.ts";
import { EngineError, numericClass } from "../../src/engine/mod.ts";
import { encodeHex } from "../../src/hot/mod.ts";
import { digest, digestsOf, readGolden } from "./_digests.ts";
import { fixtureNames, openFixture } from "./_fixtures.ts";
import type { Fixture } from "./_fixtures.ts";

/** What a factory may be asked for. */
export interface ContractOptions {
  readonly contextMax?: number;
  readonly layers?: LayerRange;
}

/** Opens a fixture in the executor under test. */
export type ExecutorFactory = (fixture: Fixture, options: ContractOptions) => Promise<Executor>;

/** A prompt of the stories260K fixtures: BOS and some words, then some odd tokens. */
export const storyTokens: readonly number[] = Array.from(
  { length: 70 },
  (_, i) => i === 0 ? 1 : (i * 193 + 7) % 512,
);

/** Runs tokens from `firstPosition` on through all layers. */
export async function runTokens(
  executor: Executor,
  session: Session,
  tokens: readonly number[],
): Promise<Float32Array> {
  const entry = {
    session,
    firstPosition: session.positionCount,
    positionCount: tokens.length,
  };
  const hidden = await executor.embed(Uint32Array.from(tokens));
  return await executor.forward(executor.layers, [entry], hidden);
}

/** Fails unless both hold the same bits. */
export function assertSameBits(actual: Float32Array, expected: Float32Array, what: string): void {
  const bits = (values: Float32Array): Uint32Array =>
    new Uint32Array(values.buffer, values.byteOffset, values.length);
  assert.equal(actual.length, expected.length, what);
  const [a, b] = [bits(actual), bits(expected)];
  const at = a.findIndex((value, i) => value !== b[i]);
  assert.equal(at, -1, `${what}: element ${at} is ${actual[at]} instead of ${expected[at]}`);
}

/** A predicate for `assert.rejects` and `assert.throws`. */
export function hasCode(code: EngineErrorCode, pattern = /./): (error: unknown) => boolean {
  return (error) =>
    error instanceof EngineError && error.code === code && pattern.test(error.message);
}

/** Registers the suite's tests; those of all formats for `fixtures` alone. */
export function testExecutorContract(
  name: string,
  create: ExecutorFactory,
  fixtures: readonly string[] = fixtureNames,
): void {
  testArithmetic(name, create, fixtures);
  testDigests(name, create);
  testSessions(name, create);
  testRefusals(name, create);
}

function testArithmetic(
  name: string,
  create: ExecutorFactory,
  fixtures: readonly string[],
): void {
  const golden = readGolden();
  test(`${name}: forwardTokens() has the bits of embed() and forward(), where it has one`, async () => {
    const executor = await create(await openFixture("stories260K-q8_0"), {});
    const { forwardTokens, layers, shape: { vocabularySize } } = executor;
    if (forwardTokens === undefined) return executor.close();
    const [apart, together] = [executor.openSession(), executor.openSession()];
    for (const tokens of [storyTokens, [5], [6, 7]]) {
      const batch = [{
        session: together,
        firstPosition: together.positionCount,
        positionCount: tokens.length,
      }];
      const call = { layers, batch, tokens: Uint32Array.from(tokens) };
      const rows = await forwardTokens.call(executor, call);
      assertSameBits(rows, await runTokens(executor, apart, tokens), `${tokens.length} tokens`);
    }
    const first = together.positionCount;
    const batch = [{ session: together, firstPosition: first, positionCount: 1 }];
    const tokens = Uint32Array.of(vocabularySize);
    await assert.rejects(forwardTokens.call(executor, { layers, batch, tokens }), RangeError);
    executor.close();
  });
  for (const fixture of fixtures) {
    test(`${name} gives the golden digests of ${fixture}`, async () => {
      const expected = golden.fixtures[fixture];
      assert.ok(expected !== undefined && golden.numericClass === numericClass);
      const executor = await create(await openFixture(fixture), {});
      assert.equal(executor.numericClass, numericClass);
      assert.deepEqual(await digestsOf(executor, expected.tokens), expected);
      executor.close();
    });
  }

  test(`${name} gives one position's bits whether alone, in a chunk or in one go`, async () => {
    const executor = await create(await openFixture("stories260K-q8_0"), {});
    const whole = await runTokens(executor, executor.openSession(), storyTokens);
    const { width } = executor.shape;
    for (const chunk of [1, 3, 31, 33]) {
      const session = executor.openSession();
      for (let from = 0; from < storyTokens.length; from += chunk) {
        const part = storyTokens.slice(from, from + chunk);
        const hidden = await runTokens(executor, session, part);
        const expected = whole.slice(from * width, (from + part.length) * width);
        assertSameBits(hidden, expected, `chunk ${chunk} from ${from}`);
      }
      session.drop();
    }
    executor.close();
  });

  test(`${name} gives the same bits in two halves on two executors`, async () => {
    const fixture = await openFixture("stories260K-q4_0");
    const whole = await create(fixture, {});
    const first = await create(fixture, { layers: { from: 0, to: 2 } });
    const second = await create(fixture, { layers: { from: 2, to: 5 } });
    const tokens = storyTokens.slice(0, 20);
    const expected = await runTokens(whole, whole.openSession(), tokens);
    const [low, high] = [first.openSession(), second.openSession()];
    let bytes = new Uint8Array();
    for (let from = 0; from < tokens.length; from += 7) {
      const half = await runTokens(first, low, tokens.slice(from, from + 7));
      // What travels is bytes: copied out of one executor and into the other.
      const travelled = new Float32Array(new Uint8Array(half.slice().buffer).slice().buffer);
      const entry = {
        session: high,
        firstPosition: from,
        positionCount: half.length / whole.shape.width,
      };
      const result = await second.forward(second.layers, [entry], travelled);
      bytes = Uint8Array.of(...bytes, ...new Uint8Array(result.buffer));
    }
    assertSameBits(new Float32Array(bytes.buffer), expected, "halves");
    assertSameBits(
      await second.head(new Float32Array(bytes.buffer)),
      await whole.head(expected),
      "logits",
    );
    for (const executor of [whole, first, second]) executor.close();
  });
}

function testDigests(name: string, create: ExecutorFactory): void {
  for (const fixture of ["stories260K-q8_0", "babyllama-tok105-q4_0"]) {
    test(`${name} digests each row of a ragged batch of ${fixture} where it lies`, async () => {
      const executor = await create(await openFixture(fixture), {});
      const { width, vocabularySize, layerCount } = executor.shape;
      const counts = [1, 66, 3];
      const batch = counts.map((positionCount) => ({
        session: executor.openSession(),
        firstPosition: 0,
        positionCount,
      }));
      const tokens = Uint32Array.from({ length: 70 }, (_, i) => (i * 7) % vocabularySize);
      let hidden = await executor.embed(tokens);
      assert.ok(executor.digests !== undefined);
      for (const layers of [{ from: 0, to: 1 }, { from: 1, to: layerCount }]) {
        const result = await executor.digests.forward({ layers, batch, hidden });
        ({ hidden } = result);
        assert.equal(result.digests.length, tokens.length * 32);
        for (let row = 0; row < tokens.length; row++) {
          const digested = encodeHex(result.digests, row * 32, 32);
          assert.equal(digested, await digest(hidden.slice(row * width, (row + 1) * width)));
        }
      }
      const fresh = batch.map((entry) => ({ ...entry, session: executor.openSession() }));
      const plain = await executor.forward(executor.layers, fresh, await executor.embed(tokens));
      assertSameBits(hidden, plain, "with digests");
      await assert.rejects(
        executor.digests.forward({
          layers: executor.layers,
          batch: fresh,
          hidden: hidden.slice(1),
        }),
        RangeError,
      );
      executor.close();
    });
  }
}

function testSessions(name: string, create: ExecutorFactory): void {
  test(`${name} replays after truncate, and keeps forks apart`, async () => {
    const executor = await create(await openFixture("stories260K-f16"), {});
    const fresh = await runTokens(executor, executor.openSession(), storyTokens);
    const { width } = executor.shape;
    const session = executor.openSession();
    await runTokens(executor, session, storyTokens.slice(0, 50));
    const fork = session.fork();
    await runTokens(executor, session, [5, 6, 7]);
    fork.truncate(40);
    session.truncate(45);
    assert.equal(session.positionCount, 45);
    const a = await runTokens(executor, session, storyTokens.slice(45));
    const b = await runTokens(executor, fork, storyTokens.slice(40));
    assertSameBits(a, fresh.slice(45 * width), "after truncate");
    assertSameBits(b, fresh.slice(40 * width), "in the fork");
    executor.close();
  });

  test(`${name} runs a ragged batch like its entries alone`, async () => {
    const executor = await create(await openFixture("stories260K-f32"), {});
    const fresh = await runTokens(executor, executor.openSession(), storyTokens);
    const { width } = executor.shape;
    const [a, b] = [executor.openSession(), executor.openSession()];
    await runTokens(executor, a, storyTokens.slice(0, 10));
    const rows = [...storyTokens.slice(10, 13), ...storyTokens.slice(0, 34)];
    const hidden = await executor.forward(
      executor.layers,
      [
        { session: a, firstPosition: 10, positionCount: 3 },
        { session: b, firstPosition: 0, positionCount: 34 },
      ],
      await executor.embed(Uint32Array.from(rows)),
    );
    assertSameBits(hidden.slice(0, 3 * width), fresh.slice(10 * width, 13 * width), "first");
    assertSameBits(hidden.slice(3 * width), fresh.slice(0, 34 * width), "second");
    assert.deepEqual([a.positionCount, b.positionCount], [13, 34]);
    executor.close();
  });

  test(`${name} counts positions by the layer that has fewest`, async () => {
    const executor = await create(await openFixture("stories260K-f32"), {});
    const session = executor.openSession();
    const entry = { session, firstPosition: 0, positionCount: 2 };
    const hidden = await executor.embed(Uint32Array.of(1, 2));
    const half = await executor.forward({ from: 0, to: 3 }, [entry], hidden);
    assert.equal(session.positionCount, 0);
    await executor.forward({ from: 3, to: 5 }, [entry], half);
    assert.equal(session.positionCount, 2);
    executor.close();
  });
}

function testRefusals(name: string, create: ExecutorFactory): void {
  test(`${name} refuses calls that do not fit, and keeps the session as it was`, async () => {
    const executor = await create(await openFixture("stories260K-f32"), { contextMax: 8 });
    const session = executor.openSession();
    await runTokens(executor, session, [1, 2, 3]);
    const one = await executor.embed(Uint32Array.of(4));
    const { layers } = executor;
    const entry = { session, firstPosition: 3, positionCount: 1 };
    await assert.rejects(executor.embed(Uint32Array.of(512)), RangeError);
    await assert.rejects(executor.embed(new Uint32Array()), RangeError);
    await assert.rejects(
      executor.forward(layers, [{ ...entry, firstPosition: 2 }], one),
      RangeError,
    );
    await assert.rejects(
      executor.forward(layers, [{ ...entry, firstPosition: 4 }], one),
      RangeError,
    );
    await assert.rejects(
      executor.forward(layers, [{ ...entry, positionCount: 0 }], one),
      RangeError,
    );
    await assert.rejects(executor.forward(layers, [entry, entry], one), RangeError);
    await assert.rejects(executor.forward(layers, [], one), RangeError);
    await assert.rejects(executor.forward(layers, [entry], one.slice(1)), RangeError);
    await assert.rejects(executor.forward({ from: 3, to: 3 }, [entry], one), RangeError);
    await assert.rejects(executor.forward({ from: 0, to: 6 }, [entry], one), hasCode("not-held"));
    await assert.rejects(executor.head(one.slice(1)), RangeError);
    const six = await executor.embed(new Uint32Array(6));
    await assert.rejects(
      executor.forward(layers, [{ ...entry, positionCount: 6 }], six),
      hasCode("context-full", /position 8 .*8 positions/),
    );
    assert.throws(() => session.truncate(4), RangeError);
    assert.equal(session.positionCount, 3);
    await runTokens(executor, session, [4, 5, 6, 7, 8]);
    assert.equal(session.positionCount, 8);
    executor.close();
  });

  test(`${name} names the layer at which the hidden state stops being finite`, async () => {
    const executor = await create(await openFixture("stories260K-q8_0"), {});
    const session = executor.openSession();
    await runTokens(executor, session, [1]);
    const hidden = await executor.embed(Uint32Array.of(2));
    hidden[5] = NaN;
    const entry = { session, firstPosition: 1, positionCount: 1 };
    await assert.rejects(
      executor.forward(executor.layers, [entry], hidden),
      (error) => hasCode("not-a-number", /layer 0/)(error) && (error as EngineError).layer === 0,
    );
    assert.equal(session.positionCount, 1);
    await assert.rejects(executor.head(hidden), hasCode("not-a-number", /the head/));
    const expected = executor.openSession();
    const replay = await runTokens(executor, expected, [1, 2]);
    const again = await runTokens(executor, session, [2]);
    assertSameBits(again, replay.slice(executor.shape.width), "after the failure");
    executor.close();
  });

  test(`${name} refuses dropped sessions, foreign sessions and calls after close`, async () => {
    const fixture = await openFixture("stories260K-f32");
    const executor = await create(fixture, {});
    const session = executor.openSession();
    session.drop();
    assert.throws(() => session.positionCount, hasCode("closed"));
    assert.throws(() => session.fork(), hasCode("closed"));
    const aborted = AbortSignal.abort(new RangeError("enough"));
    const live = executor.openSession();
    const one = await executor.embed(Uint32Array.of(4));
    const entry = { session: live, firstPosition: 0, positionCount: 1 };
    await assert.rejects(executor.forward(executor.layers, [entry], one, aborted), /enough/);
    await assert.rejects(executor.head(one, aborted), /enough/);
    const foreign = { ...entry, session: { ...live } as unknown as Session };
    await assert.rejects(executor.forward(executor.layers, [foreign], one), TypeError);
    executor.close();
    assert.throws(() => executor.openSession(), hasCode("closed"));
    await assert.rejects(executor.embed(Uint32Array.of(1)), hasCode("closed"));
  });
}

/** Computes 90 positions of which links name the first 64, and takes them over. */
export async function testLinks(executor: ModelExecutor): Promise<void> {
  const { layerCount, width } = executor.shape;
  const layers = { from: 0, to: layerCount };
  const tokens = Uint32Array.from({ length: 90 }, (_, i) => 1 + i * 5);
  const links = Uint8Array.from({ length: 64 }, (_, i) => i);
  const hidden = await executor.embed(tokens);
  const first = executor.openSession({ links });
  assert.equal(first.positionCount, 0);
  const entry = { session: first, firstPosition: 0, positionCount: 90 };
  const whole = await executor.forward(layers, [{ ...entry, links }], hidden);
  first.drop();
  assert.equal(executor.pages().used, 0);
  const second = executor.openSession({ links });
  assert.equal(second.positionCount, 64);
  const rest = await executor.forward(
    layers,
    [{ session: second, firstPosition: 64, positionCount: 26 }],
    hidden.subarray(64 * width),
  );
  assertSameBits(rest, whole.subarray(64 * width), "the rest");
  assert.equal(executor.openSession({ links: links.map((byte) => byte ^ 1) }).positionCount, 0);
  assert.equal(executor.openSession({ links: links.subarray(0, 32) }).positionCount, 32);
  const part = executor.openSession({ links: new Uint8Array(64), layers: { from: 1, to: 3 } });
  const some = { session: part, firstPosition: 0, positionCount: 90 };
  await executor.forward({ from: 1, to: 3 }, [some], hidden);
  assert.equal(part.positionCount, 90);
  part.truncate(33);
  assert.equal(part.positionCount, 33);
  await assert.rejects(executor.forward({ from: 0, to: 3 }, [some], hidden));
  executor.close();
}
