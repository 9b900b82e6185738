/**
 * Tables of rotary frequencies: plain, linear, with factors and with YaRN's ramp.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { instantiateKernels, kernelMemory } from "../../src/engine/_module.ts";
import { ropeFrequencies } from "../../src/engine/rope.ts";
import { plainRope } from "../../src/model/mod.ts";

const yarn = { originalContext: 4096, extrapolation: 1, betaFast: 32, betaSlow: 1 };

test("a plain table has base^(-2i / width) in the kernels' bits", () => {
  const kernels = instantiateKernels(kernelMemory(1));
  for (const [base, ropeWidth] of [[10_000, 128], [500_000, 64], [1_000_000, 6]] as const) {
    const table = ropeFrequencies(plainRope(base), { ropeWidth });
    assert.equal(table.length, ropeWidth / 2);
    table.forEach((frequency, i) => {
      const expected = kernels.exp(-((2 * i) / ropeWidth) * kernels.log(base));
      assert.ok(Object.is(frequency, expected), `frequency ${i} is ${frequency}`);
      assert.ok(Math.abs(frequency / base ** (-2 * i / ropeWidth) - 1) < 1e-14);
    });
  }
});

test("a linear factor scales every frequency, and a vector of factors divides each", () => {
  const plain = ropeFrequencies(plainRope(10_000), { ropeWidth: 16 });
  const scaled = ropeFrequencies({ ...plainRope(10_000), frequencyScale: 1 / 4 }, {
    ropeWidth: 16,
  });
  assert.deepEqual([...scaled], [...plain].map((frequency) => frequency / 4));
  const factors = Float32Array.of(1, 1, 1.5, 2, 4, 8, 8, 8);
  const divided = ropeFrequencies({ ...plainRope(10_000), factorsTensor: "rope_freqs.weight" }, {
    ropeWidth: 16,
    factors,
  });
  assert.deepEqual([...divided], [...plain].map((frequency, i) => frequency / (factors[i] ?? 0)));
});

test("YaRN keeps high frequencies, scales low ones, and mixes between", () => {
  const ropeWidth = 128;
  const plain = ropeFrequencies(plainRope(10_000), { ropeWidth });
  const rope = { ...plainRope(10_000), frequencyScale: 1 / 16, yarn };
  const table = ropeFrequencies(rope, { ropeWidth });
  const ratios = [...table].map((frequency, i) => frequency / (plain[i] ?? NaN));
  // The pairs that turn 32 times and once over 4096 positions: 20.9 and 45.03.
  const bound = (turns: number): number =>
    ropeWidth * Math.log(4096 / (turns * 2 * Math.PI)) / (2 * Math.log(10_000));
  const [low, high] = [Math.floor(bound(32)), Math.ceil(bound(1))];
  assert.deepEqual([low, high], [20, 46]);
  ratios.forEach((ratio, i) => {
    const kept = 1 - Math.min(1, Math.max(0, (i - low) / (high - low)));
    assert.ok(Math.abs(ratio - (kept + (1 - kept) / 16)) < 1e-12, `ratio ${i} is ${ratio}`);
  });
  const none = { ...rope, yarn: { ...yarn, extrapolation: 0 } };
  assert.deepEqual([...ropeFrequencies(none, { ropeWidth })], [...plain].map((f) => f / 16));
});

test("ropeFrequencies() refuses factors of another length, and frequencies out of range", () => {
  const rope = { ...plainRope(10_000), factorsTensor: "rope_freqs.weight" };
  assert.throws(() => ropeFrequencies(rope, { ropeWidth: 8 }), RangeError);
  const factors = new Float32Array(3);
  assert.throws(() => ropeFrequencies(rope, { ropeWidth: 8, factors }), RangeError);
  for (const bad of [0, 0.1, -0.01]) {
    assert.throws(
      () => ropeFrequencies(rope, { ropeWidth: 4, factors: Float32Array.of(bad, 1) }),
      { name: "EngineError", code: "not-a-number", tensor: "rope_freqs.weight" },
    );
  }
});
