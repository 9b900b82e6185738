import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createReferenceSampler, createSampler } from "../../src/engine/mod.ts";
import { fixtureRuns } from "./_runs.ts";
import { testSamplerContract } from "./_sampler_contract.ts";

testSamplerContract("createSampler()", createSampler);

test("createSampler() agrees with the reference in every token and log-probability", () => {
  const size = fc.integer({ min: 1, max: 140 });
  // Few distinct values, so that ties are common.
  const logit = fc.oneof(
    fc.integer({ min: -8, max: 8 }),
    fc.float({ min: -30, max: 30, noNaN: true }),
  );
  const options = fc.record({
    seed: fc.maxSafeNat(),
    temperature: fc.constantFrom(0, 1e-300, 0.2, 1, 3, 1e300),
    topK: fc.constantFrom(0, 1, 3, 40, 1000),
    topP: fc.constantFrom(1, 0.95, 0.5, 1e-6),
    minP: fc.constantFrom(0, 0.05, 0.7, 1),
    repeatPenalty: fc.constantFrom(1, 1.3, 0.5),
    frequencyPenalty: fc.constantFrom(0, 0.4, -1),
    presencePenalty: fc.constantFrom(0, 0.6, 1e9),
  });
  const property = fc.property(
    size.chain((vocabularySize) =>
      fc.record({
        vocabularySize: fc.constant(vocabularySize),
        logits: fc.array(logit, { minLength: vocabularySize, maxLength: vocabularySize }),
        history: fc.array(fc.nat({ max: vocabularySize - 1 }), { maxLength: 20 }),
        bias: fc.array(fc.tuple(fc.nat({ max: vocabularySize - 1 }), fc.integer()), {
          maxLength: 3,
        }),
        allowed: fc.option(fc.array(fc.nat({ max: vocabularySize - 1 }), { minLength: 1 })),
        // Whole words of the mask are gone through in another way than words with gaps.
        allowedFrom: fc.nat({ max: 2 * vocabularySize }),
      })
    ),
    options,
    fc.integer({ min: 0, max: 2 ** 32 - 9 }),
    ({ vocabularySize, logits, history, bias, allowed, allowedFrom }, rest, position) => {
      const logitBias = new Map(bias.map(([token, value]) => [token, value % 1e9]));
      const all = { ...rest, vocabularySize, logitBias };
      const values = Float32Array.from(logits);
      const tail = Array.from(logits.keys()).slice(allowedFrom);
      const mask = allowed === null ? undefined : maskOf([...allowed, ...tail], vocabularySize);
      const [wasm, plain] = [createSampler(all), createReferenceSampler(all)];
      for (let i = 0; i < 4; i++) {
        assert.equal(
          wasm.sample(values, { position: position + i, history, mask }),
          plain.sample(values, { position: position + i, history, mask }),
        );
      }
      const top = Math.min(5, vocabularySize);
      assert.deepEqual(wasm.logprobs(values, 0, top), plain.logprobs(values, 0, top));
    },
  );
  fc.assert(property, { numRuns: fixtureRuns(500) });
});

function maskOf(tokens: readonly number[], vocabularySize: number): Uint32Array {
  const mask = new Uint32Array(Math.ceil(vocabularySize / 32));
  for (const token of tokens) mask[token >> 5] = (mask[token >> 5] ?? 0) | (1 << (token & 31));
  return mask;
}

test("createSampler() serves vocabularies of different sizes in turn", () => {
  const small = createSampler({ vocabularySize: 5, seed: 1, temperature: 0 });
  const large = createSampler({ vocabularySize: 150_000, seed: 1, topP: 0.9, topK: 50 });
  const logits = new Float32Array(150_000);
  logits[149_999] = 30;
  for (let i = 0; i < 3; i++) {
    assert.equal(large.sample(logits, { position: i, history: [7] }), 149_999);
    assert.equal(small.sample(Float32Array.of(0, 1, 9, 3, 2), { position: i }), 2);
  }
});
