/**
 * The numeric class against the outside world: logits of an independent implementation, and
 * llama.cpp's greedy texts. Origins: test/fixtures/models.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createSampler, loadExecutor } from "../../src/engine/mod.ts";
import type { Executor } from "../../src/engine/mod.ts";
import { loadTokenizer } from "../../src/model/mod.ts";
import { runTokens } from "./_executor_contract.ts";
import { fixtureNames, openFixture, testFile } from "./_fixtures.ts";

interface Reference {
  readonly ids_with_bos: readonly number[];
  readonly mean_nll: number;
  readonly positions: readonly { pos: number; top5: readonly (readonly [number, number])[] }[];
  readonly greedy_prompt_ids: readonly number[];
  readonly greedy_ids: readonly number[];
}

const references = JSON.parse(
  readFileSync(testFile("fixtures/models/REFERENCE_LOGITS.json"), "utf8"),
) as Record<string, Reference>;

const greedyTexts = new Map(
  readFileSync(testFile("fixtures/models/EXPECTED_GREEDY.tsv"), "utf8").trimEnd().split("\n")
    .map((line) => {
      const [name = "", , text = '""'] = line.split("\t");
      return [name.replace(/\.gguf$/, ""), JSON.parse(text) as string];
    }),
);

/** Tokens that the expected texts hold after their prompt. */
const greedyTokens = 80;

for (const [model, reference] of Object.entries(references)) {
  test(`logits of ${model}-f32 agree with an independent implementation`, async () => {
    const fixture = await openFixture(`${model}-f32`);
    // The reference text is longer than one file's context; nothing in the class depends on it.
    const shape = { ...fixture.shape, contextMax: 256 };
    const executor = await loadExecutor({ ...fixture, shape });
    const ids = reference.ids_with_bos;
    const hidden = await runTokens(executor, executor.openSession(), ids);
    const logits = await executor.head(hidden);
    const size = shape.vocabularySize;
    const row = (position: number): Float32Array =>
      logits.subarray(position * size, (position + 1) * size);
    for (const { pos, top5 } of reference.positions) {
      for (const [token, expected] of top5) {
        const difference = Math.abs((row(pos)[token] ?? NaN) - expected);
        assert.ok(difference <= 1e-3, `position ${pos} token ${token} differs by ${difference}`);
      }
    }
    const sampler = createSampler({ vocabularySize: size, seed: 0 });
    const losses = ids.slice(1).map((id, i) => -sampler.logprobs(row(i), id, 0).chosen.logprob);
    const mean = losses.reduce((a, b) => a + b, 0) / losses.length;
    assert.ok(Math.abs(mean - reference.mean_nll) <= 1e-4, `${mean} for ${reference.mean_nll}`);
    executor.close();
  });

  test(`greedy ids of ${model}-f32 are those of an independent implementation`, async () => {
    const executor = await loadExecutor(await openFixture(`${model}-f32`));
    const prompt = reference.greedy_prompt_ids;
    const count = Math.min(reference.greedy_ids.length, executor.contextMax - prompt.length);
    const ids = await greedy(executor, prompt, count);
    assert.deepEqual(ids, reference.greedy_ids.slice(0, count));
    executor.close();
  });
}

for (const name of fixtureNames.filter((each) => !each.startsWith("rand256"))) {
  const quantised = /q\d_[01nl]+$/.test(name);
  const what = quantised ? "starts llama.cpp's greedy text" : "gives llama.cpp's greedy text";
  test(`${name} ${what}`, async () => {
    const fixture = await openFixture(name);
    const tokenizer = loadTokenizer(fixture.file);
    const prompt = [...tokenizer.encode("Once upon a time", { addBos: true })];
    const executor = await loadExecutor(fixture);
    const ids = await greedy(executor, prompt, quantised ? 8 : greedyTokens);
    const expected = (greedyTexts.get(name) ?? "?").replace(/^<s> /, "").replace(/\n$/, "");
    const text = tokenizer.decode(Uint32Array.from([...prompt, ...ids]));
    if (quantised) assert.equal(text, expected.slice(0, text.length));
    else assert.equal(text, expected);
    assert.ok(text.length > "Once upon a time".length);
    executor.close();
  });
}

async function greedy(
  executor: Executor,
  prompt: readonly number[],
  count: number,
): Promise<number[]> {
  const { width, vocabularySize } = executor.shape;
  const sampler = createSampler({ vocabularySize, seed: 0, temperature: 0 });
  const session = executor.openSession();
  const ids: number[] = [];
  let hidden = await runTokens(executor, session, prompt);
  while (ids.length < count) {
    const logits = await executor.head(hidden.slice(-width));
    ids.push(sampler.sample(logits, { position: session.positionCount, history: ids }));
    if (ids.length < count) hidden = await runTokens(executor, session, ids.slice(-1));
  }
  return ids;
}
