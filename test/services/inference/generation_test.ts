// Goal: text comes out in whole characters and ends exactly before a stop string, wherever tokens cut
// it. Method: a vocabulary of single bytes, which cuts every character, and a sampler that plays a
// given text; expectations come from indexOf over the whole text.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Sampler } from "../../../src/engine/mod.ts";
import type { Tokenizer } from "../../../src/model/mod.ts";
import { generateText } from "../../../src/services/inference/generation.ts";
import type { GenerateItem } from "../../../src/services/inference/mod.ts";
import type { Sequence } from "../../../src/services/inference/sequence.ts";

const runs = 100 * Number(process.env["SKEP_TEST_RUNS"] ?? "1");
const endToken = 256;

/** Tokens 0 to 255 are bytes, 256 ends. Only what generation uses. */
const bytes = {
  vocabularySize: 257,
  tokenText: (id: number) => `<${id}>`,
  piece: (id: number) => id === endToken ? new Uint8Array(0) : Uint8Array.of(id),
  isEndOfGeneration: (id: number) => id === endToken,
} as Partial<Tokenizer> as Tokenizer;

const computesNothing = {
  cachedTokens: 0,
  extend: () => Promise.resolve(new Float32Array(0)),
} as Partial<Sequence> as Sequence;

/** Plays the bytes of `text`, then the end token. */
function playing(text: string): Sampler {
  const tokens = [...new TextEncoder().encode(text), endToken];
  let at = 0;
  return {
    sample: () => tokens[at++] ?? endToken,
    logprobs: (_logits, token) => ({ chosen: { token, logprob: -token }, top: [] }),
  } as Partial<Sampler> as Sampler;
}

async function generate(
  text: string,
  options: {
    readonly stops?: readonly string[];
    readonly maxTokens?: number;
    readonly topLogprobs?: number;
  } = {},
): Promise<GenerateItem[]> {
  return await Array.fromAsync(generateText({
    promptTokens: Uint32Array.of(1, 2),
    maxTokens: options.maxTokens ?? 10_000,
    stops: options.stops ?? [],
    topLogprobs: options.topLogprobs,
    sequence: computesNothing,
    sampler: playing(text),
    penalises: false,
    tokenizer: bytes,
    onToken: () => {},
  }));
}

function textOf(items: readonly GenerateItem[]): string {
  return items.map((item) => item.type === "text" ? item.text : "").join("");
}

const symbols = fc.array(fc.constantFrom("a", "b", "\n", "😀", "é", "中"), { maxLength: 30 })
  .map((parts) => parts.join(""));

test("generateText() gives whole characters and stops where indexOf finds the stop string", async () => {
  await fc.assert(
    fc.asyncProperty(symbols, symbols.filter((stop) => stop !== ""), async (text, stop) => {
      const items = await generate(text, { stops: [stop] });
      const at = text.indexOf(stop);
      assert.equal(textOf(items), at < 0 ? text : text.slice(0, at));
      for (const item of items) if (item.type === "text") assert.ok(item.text.isWellFormed());
      const end = items.at(-1);
      assert.ok(end?.type === "end");
      assert.equal(end.finishReason, "stop");
      assert.equal(end.stopSequence, at < 0 ? undefined : stop);
    }),
    { numRuns: runs },
  );
});

test("generateText() counts every sampled token, and every token is in exactly one item", async () => {
  const items = await generate("a😀b", { stops: ["zz"] });
  const tokens = items.flatMap((item) => item.type === "start" ? [] : item.tokens);
  assert.deepEqual(tokens, [...new TextEncoder().encode("a😀b"), endToken]);
  const end = items.at(-1);
  assert.ok(end?.type === "end");
  assert.deepEqual(end.usage, { promptTokens: 2, cachedTokens: 0, completionTokens: 7 });
});

test("generateText() lists exactly the tokens of the text that it gave, in order, with their places", async () => {
  await fc.assert(
    fc.asyncProperty(symbols, symbols.filter((stop) => stop !== ""), async (text, stop) => {
      const items = await generate(text, { stops: [stop], topLogprobs: 0 });
      const given = textOf(items);
      const listed = items.flatMap((item) => item.type === "start" ? [] : item.logprobs ?? []);
      const given8 = [...new TextEncoder().encode(given)];
      assert.deepEqual(listed.map(({ token }) => token), given8);
      assert.deepEqual(listed.map(({ bytes }) => bytes), given8.map((byte) => [byte]));
      const offsets = [...given].flatMap((character, at) =>
        Array.from(new TextEncoder().encode(character), () => at)
      );
      assert.deepEqual(listed.map(({ offset }) => offset), offsets);
      assert.ok(listed.every(({ token, logprob }) => logprob === -token));
    }),
    { numRuns: runs },
  );
});

test("generateText() ends at maxTokens, with what was held back and a cut character made visible", async () => {
  const held = await generate("ab\n", { stops: ["\n\n"], maxTokens: 3 });
  assert.equal(textOf(held), "ab\n");
  const cut = await generate("a😀", { maxTokens: 3 });
  assert.equal(textOf(cut), "a\ufffd");
  const end = cut.at(-1);
  assert.ok(end?.type === "end");
  assert.equal(end.finishReason, "length");
});
