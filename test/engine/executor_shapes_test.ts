/**
 * The WASM executor against the reference on random models of awkward extents: tails of every
 * loop, heads of odd widths, partly rotated heads, tied and separate heads, each weight type.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { WeightType } from "../../bench/models/random_weights.ts";
import { createReferenceExecutor, loadExecutor } from "../../src/engine/mod.ts";
import type { Executor } from "../../src/engine/mod.ts";
import { plainFamily } from "../../src/model/mod.ts";
import type { ModelShape } from "../../src/model/mod.ts";
import { isLong } from "../_long.ts";
import { assertSameBits, runTokens } from "./_executor_contract.ts";
import { openFixture, randomModel } from "./_fixtures.ts";
import { fixtureRuns } from "./_runs.ts";

const common = {
  architecture: "llama",
  layerCount: 2,
  normEpsilon: Math.fround(1e-5),
  contextMax: 80,
  tiedOutput: false,
} as const;

const models: readonly (readonly [WeightType, ModelShape])[] = [
  ["f32", {
    ...common,
    width: 36,
    ffnWidth: 50,
    headCount: 3,
    kvHeadCount: 1,
    headWidth: 12,
    ropeWidth: 6,
    family: plainFamily({ layerCount: 2, headWidth: 12 }),
    vocabularySize: 361,
  }],
  ["bf16", {
    ...common,
    width: 20,
    ffnWidth: 33,
    headCount: 2,
    kvHeadCount: 2,
    headWidth: 10,
    ropeWidth: 10,
    family: plainFamily({ layerCount: 2, headWidth: 10 }),
    vocabularySize: 360,
    tiedOutput: true,
  }],
  ["f16", {
    ...common,
    width: 72,
    ffnWidth: 75,
    headCount: 2,
    kvHeadCount: 1,
    headWidth: 36,
    ropeWidth: 36,
    family: plainFamily({ layerCount: 2, headWidth: 36 }),
    vocabularySize: 362,
  }],
  ["q8_0", {
    ...common,
    width: 96,
    ffnWidth: 160,
    headCount: 4,
    kvHeadCount: 2,
    headWidth: 24,
    ropeWidth: 24,
    family: plainFamily({ layerCount: 2, headWidth: 24 }),
    vocabularySize: 363,
  }],
  ["q4_0", {
    ...common,
    width: 64,
    ffnWidth: 96,
    headCount: 1,
    kvHeadCount: 1,
    headWidth: 64,
    ropeWidth: 64,
    family: plainFamily({ layerCount: 2, headWidth: 64, ropeBase: 500_000 }),
    vocabularySize: 364,
    tiedOutput: true,
  }],
];

/** Types of blocks of 32 and of 256 columns; rows of 96 are three blocks, those of 512 are two. */
const blockModels: typeof models = [
  ...(["q4_1", "q5_0", "q5_1", "iq4_nl"] as const).map((type) =>
    [type, {
      ...common,
      width: 96,
      ffnWidth: 160,
      headCount: 4,
      kvHeadCount: 2,
      headWidth: 24,
      ropeWidth: 24,
      family: plainFamily({ layerCount: 2, headWidth: 24 }),
      vocabularySize: 363,
      tiedOutput: type === "q5_1",
    }] as const
  ),
  ...(["q2_k", "q3_k", "q4_k", "q5_k", "q6_k"] as const).map((type) =>
    [type, {
      ...common,
      layerCount: 1,
      width: 256,
      ffnWidth: 512,
      headCount: 2,
      kvHeadCount: 1,
      headWidth: 128,
      ropeWidth: 128,
      family: plainFamily({ layerCount: 1, headWidth: 128 }),
      vocabularySize: 364,
      tiedOutput: type === "q4_k",
    }] as const
  ),
];

/** Positions: more than a page holds, which is 32; in a long run more than two pages hold. */
const length = isLong ? 75 : 41;

for (const [type, shape] of [...models, ...blockModels]) {
  test(`loadExecutor() equals the reference on a ${type} model of width ${shape.width}`, async () => {
    const fixture = await randomModel(type, shape);
    const tokens = Array.from({ length }, (_, i) => (i * 59 + 1) % shape.vocabularySize);
    const reference = await createReferenceExecutor(fixture);
    const expected = await runTokens(reference, reference.openSession(), tokens);
    const logits = await reference.head(expected);
    const executor = await loadExecutor(fixture);
    for (const chunk of [length, 1, 6]) {
      const session = executor.openSession();
      for (let from = 0; from < tokens.length; from += chunk) {
        const part = tokens.slice(from, from + chunk);
        const end = (from + part.length) * shape.width;
        assertSameBits(
          await runTokens(executor, session, part),
          expected.slice(from * shape.width, end),
          `chunk of ${chunk} from ${from}`,
        );
      }
      session.drop();
    }
    assertSameBits(await executor.head(expected), logits, "logits");
    assert.ok(logits.some((value) => value !== 0));
    executor.close();
  });
}

test("forward() equals the reference for hidden states of any magnitude", async () => {
  const fixture = await openFixture("stories260K-q8_0");
  const [reference, executor] = [
    await createReferenceExecutor(fixture),
    await loadExecutor(fixture),
  ];
  const run = async (by: Executor, hidden: Float32Array): Promise<Float32Array | string> => {
    const session = by.openSession();
    const entry = { session, firstPosition: 0, positionCount: 2 };
    try {
      const result = await by.forward(by.layers, [entry], hidden);
      return Float32Array.of(...result, ...await by.head(result));
    } catch (error) {
      return String(error);
    } finally {
      session.drop();
    }
  };
  const magnitude = fc.constantFrom(0, 1e-45, 1e-38, 1e-31, 1e-20, 1, 1e6, 1e18, 1e37, Infinity);
  const element = fc.tuple(fc.float({ min: -3, max: 3, noNaN: true }), magnitude)
    .map(([value, scale]) => value === 0 ? 0 : Math.fround(value * scale));
  const row = fc.oneof(
    fc.array(element, { minLength: 128, maxLength: 128 }),
    fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
      minLength: 128,
      maxLength: 128,
    }),
    magnitude.map((scale) => Array.from({ length: 128 }, (_, i) => (i % 7 - 3) * scale)),
  );
  let finite = 0;
  const property = fc.asyncProperty(row, async (values) => {
    const hidden = Float32Array.from(values);
    const [expected, actual] = [await run(reference, hidden), await run(executor, hidden)];
    if (typeof expected === "string") assert.equal(actual, expected);
    else if (typeof actual === "string") assert.fail(actual);
    else assertSameBits(actual, expected, "hidden state and logits"), finite++;
  });
  await fc.assert(property, { numRuns: fixtureRuns(60) });
  assert.ok(finite > 0);
  executor.close();
});
