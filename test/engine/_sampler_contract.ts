/**
 * What every sampler must do; the suite takes the factory.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sampler, SamplerOptions } from "../../src/engine/mod.ts";

type Create = (options: SamplerOptions) => Sampler;

/** Registers the suite's tests. */
export function testSamplerContract(name: string, create: Create): void {
  testRanking(name, create);
  testDrawing(name, create);
  testMask(name, create);

  test(`${name} refuses options out of range by name`, () => {
    const good = { vocabularySize: 8, seed: 1 };
    const bad: Record<string, readonly unknown[]> = {
      vocabularySize: [0, 1.5, 2 ** 25],
      seed: [-1, 0.5, 2 ** 53, NaN],
      temperature: [-0.1, Infinity, NaN],
      topK: [-1, 0.5],
      topP: [0, 1.1, NaN],
      minP: [-0.1, 1.1],
      repeatPenalty: [0, -1, 1e7, NaN],
      frequencyPenalty: [Infinity, NaN, 1e10],
      presencePenalty: [-Infinity, NaN],
      logitBias: [new Map([[8, 1]]), new Map([[1, NaN]]), new Map([[-1, 1]])],
    };
    for (const [option, values] of Object.entries(bad)) {
      for (const value of values) {
        const options = { ...good, [option]: value } as SamplerOptions;
        assert.throws(
          () => create(options),
          (error) => error instanceof RangeError && error.message.includes(`"${option}"`),
          `${option} ${value}`,
        );
      }
    }
  });

  test(`${name} refuses logits, tokens and positions that do not fit`, () => {
    const sampler = create({ vocabularySize: 3, seed: 1 });
    const logits = Float32Array.of(1, 2, 3);
    assert.throws(() => sampler.sample(logits.slice(1), { position: 0 }), RangeError);
    assert.throws(() => sampler.sample(Float32Array.of(1, NaN, 2), { position: 0 }), RangeError);
    assert.throws(() => sampler.sample(logits, { position: 0, history: [3] }), RangeError);
    assert.throws(() => sampler.sample(logits, { position: 0, history: [-1] }), RangeError);
    assert.throws(() => sampler.sample(logits, { position: 2 ** 32 }), RangeError);
    for (const mask of [[], [1, 1], [0], [8]]) {
      const place = { position: 0, mask: Uint32Array.from(mask) };
      assert.throws(() => sampler.sample(logits, place), /mask must/, JSON.stringify(mask));
    }
    assert.throws(() => sampler.logprobs(logits, 3, 0), RangeError);
    assert.throws(() => sampler.logprobs(logits, 0, 4), RangeError);
  });
}

function testRanking(name: string, create: Create): void {
  test(`${name} takes the likeliest token, the lowest id among equals`, () => {
    const logits = Float32Array.of(1, 5, 5, 2);
    for (const options of [{ temperature: 0 }, { topK: 1 }, { topP: 1e-9 }, { minP: 1 }]) {
      const sampler = create({ vocabularySize: 4, seed: 3, ...options });
      for (let position = 0; position < 20; position++) {
        const token = sampler.sample(logits, { position });
        if ("minP" in options) assert.ok(token === 1 || token === 2);
        else assert.equal(token, 1, JSON.stringify(options));
      }
    }
  });

  test(`${name} applies penalties and biases before anything else`, () => {
    const logits = Float32Array.of(4, 3.5, -1, -1.5);
    const greedy = { vocabularySize: 4, seed: 0, temperature: 0 };
    const pick = (options: Partial<SamplerOptions>, history: number[]): number =>
      create({ ...greedy, ...options }).sample(logits, { position: 9, history });
    assert.equal(pick({}, [0]), 0);
    assert.equal(pick({ repeatPenalty: 2 }, [0]), 1);
    assert.equal(pick({ repeatPenalty: 2, logitBias: new Map([[0, -9], [1, -9]]) }, [2]), 3);
    assert.equal(pick({ frequencyPenalty: 0.3 }, [0]), 0);
    assert.equal(pick({ frequencyPenalty: 0.3 }, [0, 0]), 1);
    assert.equal(pick({ presencePenalty: 0.3 }, [0, 0]), 0);
    assert.equal(pick({ presencePenalty: 0.6 }, [0, 0]), 1);
    assert.equal(pick({ logitBias: new Map([[3, 100]]) }, []), 3);
  });

  test(`${name} keeps exactly what top_k, top_p and min_p keep`, () => {
    // Probabilities 0.5, 0.25, 0.125, 0.125 at ids 2, 0, 1, 3.
    const logits = Float32Array.from([0.25, 0.125, 0.5, 0.125], (p) => Math.log(p));
    const seen = (options: Partial<SamplerOptions>): number[] => {
      const sampler = create({ vocabularySize: 4, seed: 11, ...options });
      const ids = Array.from(
        { length: 300 },
        (_, position) => sampler.sample(logits, { position }),
      );
      return [...new Set(ids)].toSorted();
    };
    assert.deepEqual(seen({}), [0, 1, 2, 3]);
    assert.deepEqual(seen({ topK: 3 }), [0, 1, 2]);
    assert.deepEqual(seen({ topK: 100 }), [0, 1, 2, 3]);
    assert.deepEqual(seen({ topP: 0.45 }), [2]);
    assert.deepEqual(seen({ topP: 0.7 }), [0, 2]);
    assert.deepEqual(seen({ topP: 0.8 }), [0, 1, 2]);
    assert.deepEqual(seen({ topK: 2, topP: 0.6 }), [2]);
    assert.deepEqual(seen({ minP: 0.4 }), [0, 2]);
    assert.deepEqual(seen({ minP: 0.6 }), [2]);
  });
}

function testMask(name: string, create: Create): void {
  test(`${name} samples as if tokens that the mask does not allow were not there`, () => {
    const size = 70;
    const logits = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 7) * 3);
    const kept = [...logits.keys()].filter((id) => id % 3 === 1 || id === 69);
    const mask = new Uint32Array(3);
    for (const id of kept) mask[id >> 5] = (mask[id >> 5] ?? 0) | (1 << (id & 31));
    const few = Float32Array.from(kept, (id) => logits[id] ?? NaN);
    const variants: Partial<SamplerOptions>[] = [
      {},
      { temperature: 0 },
      { topK: 1 },
      { topK: 7 },
      { topP: 0.6 },
      { topK: 9, topP: 0.7 },
      { minP: 0.3 },
      { topK: 60 },
    ];
    for (const options of variants) {
      const masked = create({ vocabularySize: size, seed: 5, ...options });
      const small = create({ vocabularySize: kept.length, seed: 5, ...options });
      for (let position = 0; position < 40; position++) {
        const token = masked.sample(logits, { position, mask });
        assert.equal(token, kept[small.sample(few, { position })], JSON.stringify(options));
      }
    }
  });
}

function testDrawing(name: string, create: Create): void {
  test(`${name} draws by probability, and depends on seed and position only`, () => {
    const logits = Float32Array.from([0.1, 0.2, 0.7], (p) => Math.log(p));
    const draws = 4000;
    const count = (options: Partial<SamplerOptions>): number[] => {
      const sampler = create({ vocabularySize: 3, seed: 2 ** 53 - 1, ...options });
      const counts = [0, 0, 0];
      for (let position = 0; position < draws; position++) {
        const token = sampler.sample(logits, { position });
        assert.equal(token, sampler.sample(logits, { position }));
        counts[token] = (counts[token] ?? 0) + 1;
      }
      return counts;
    };
    // 5 standard deviations; the draws are fixed, so this can't fail by chance.
    [0.1, 0.2, 0.7].forEach((p, token) => {
      const deviation = Math.sqrt(draws * p * (1 - p));
      const difference = Math.abs((count({})[token] ?? NaN) - draws * p);
      assert.ok(difference < 5 * deviation, `token ${token} differs by ${difference}`);
    });
    assert.notDeepEqual(count({}), count({ seed: 7 }));
    const [cold = 0] = count({ temperature: 0.5 });
    const [hot = 0] = count({ temperature: 2 });
    assert.ok(cold < 200 && hot > 600, `${cold} ${hot}`);
  });

  test(`${name} gives log-probabilities of the raw logits`, () => {
    const sampler = create({ vocabularySize: 4, seed: 0, temperature: 0, topK: 2 });
    const logits = Float32Array.from([0.25, 0.125, 0.5, 0.125], (p) => Math.log(p) + 3);
    const { chosen, top } = sampler.logprobs(logits, 3, 3);
    assert.ok(Math.abs(chosen.logprob - Math.log(0.125)) < 1e-6);
    assert.deepEqual(top.map(({ token }) => token), [2, 0, 1]);
    assert.ok(Math.abs((top[0]?.logprob ?? NaN) - Math.log(0.5)) < 1e-6);
    assert.deepEqual(sampler.logprobs(logits, 0, 0).top, []);
  });
}
