/** llama.cpp's vectors, the rules of special tokens and spaces, and time on long texts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesSource, loadTokenizer, openGguf } from "../../../src/model/mod.ts";
import type { Tokenizer } from "../../../src/model/mod.ts";
import { openWritten, runs, tinyLlama, withKey } from "../_files.ts";
import { fixture, vectors } from "../_vectors.ts";
import { isSoon } from "../../_soon.ts";

const STORIES = "models/stories260K/stories260K-q8_0.gguf";
const BABY = "models/babyllama/babyllama-tok105-f16.gguf";
const PHI = "vocab/ggml-vocab-phi-3.gguf";

async function tokenizerOf(path: string): Promise<Tokenizer> {
  return loadTokenizer(await openGguf(bytesSource(fixture(path), path)));
}

/** A tokenizer of a made-up vocabulary: texts with type and score. */
async function made(
  tokens: readonly (readonly [text: string, type: number, score?: number])[],
  pairs: Record<string, boolean | number> = {},
): Promise<Tokenizer> {
  let { metadata } = tinyLlama();
  const texts = tokens.map(([text]) => text);
  metadata = withKey(metadata, ["tokenizer.ggml.tokens", {
    type: "array",
    of: "string",
    value: texts,
  }]);
  const scores = tokens.map(([, , score]) => score ?? 0);
  metadata = withKey(metadata, ["tokenizer.ggml.scores", {
    type: "array",
    of: "f32",
    value: scores,
  }]);
  const types = tokens.map(([, type]) => type);
  metadata = withKey(metadata, ["tokenizer.ggml.token_type", {
    type: "array",
    of: "i32",
    value: types,
  }]);
  for (const [key, value] of Object.entries(pairs)) {
    metadata = withKey(metadata, [
      `tokenizer.ggml.${key}`,
      typeof value === "boolean" ? { type: "bool", value } : { type: "u32", value },
    ]);
  }
  return loadTokenizer(await openWritten({ metadata }));
}

const BASE = [["<unk>", 2], ["<s>", 3], ["</s>", 3]] as const;

for (
  const [path, outputs] of [
    [STORIES, "vocab/stories260K.out"],
    [PHI, "vocab/ggml-vocab-phi-3.gguf.out"],
  ] as const
) {
  test(`encode() gives llama.cpp's ids, and decode() the text again, for every vector of ${path}`, async () => {
    const tokenizer = await tokenizerOf(path);
    const cases = vectors(outputs);
    assert.equal(cases.length, 47);
    for (const { text, ids } of cases) {
      assert.deepEqual([...tokenizer.encode(text, { addBos: false })], ids, JSON.stringify(text));
      assert.equal(tokenizer.decode(ids), text);
    }
  });
}

test("a tokenizer reads ids and flags, and takes 4294967295 for none", async () => {
  const phi = await tokenizerOf(PHI);
  assert.equal(phi.bosId, 1);
  assert.equal(phi.eosId, 32_000);
  assert.equal(phi.eotId, 32_007);
  assert.equal(phi.vocabularySize, 32_064);
  assert.ok(phi.isEndOfGeneration(32_000) && phi.isEndOfGeneration(32_007));
  assert.ok(!phi.isEndOfGeneration(5));
  assert.equal(phi.tokenText(32_007), "<|end|>");
  const none = await made([...BASE, ["\u2581", 1]], {
    bos_token_id: 0xffff_ffff,
    eot_token_id: 0xffff_ffff,
  });
  assert.equal(none.bosId, undefined);
  assert.equal(none.eotId, undefined);
  assert.deepEqual([...none.encode("", { addBos: true })], []);
});

test("encode() starts with BOS by the file's default, and as asked", async () => {
  const stories = await tokenizerOf(STORIES);
  assert.deepEqual([...stories.encode("Once upon a time")], [1, 403, 407, 261, 378]);
  assert.deepEqual([...stories.encode("", { addBos: true })], [1]);
  const without = await made([...BASE, ["\u2581", 1]], { add_bos_token: false });
  assert.deepEqual([...without.encode("")], []);
  assert.deepEqual([...without.encode("", { addBos: true })], [1]);
});

test("encode() recognises control tokens only when asked, and puts a space after them", async () => {
  const phi = await tokenizerOf(PHI);
  const text = "<|user|>hi<|end|>";
  const plain = phi.encode(text, { addBos: false });
  assert.ok(!plain.includes(32_010) && !plain.includes(32_007));
  const parsed = phi.encode(text, { addBos: false, parseSpecial: true });
  assert.deepEqual([...parsed], [32_010, ...phi.encode("hi", { addBos: false }), 32_007]);
});

test("encode() takes user-defined tokens whole, the longest first, never control tokens", async () => {
  const tokenizer = await made(
    [...BASE, ["\u2581", 1], ["a", 1], ["<x>", 4], ["<x>a", 4], ["a<", 4]],
    { add_bos_token: false, add_space_prefix: false },
  );
  assert.deepEqual([...tokenizer.encode("a<x><x>a<s>")], [4, 5, 6, 0, 0, 0]);
  assert.deepEqual([...tokenizer.encode("a<")], [7]);
  assert.equal(tokenizer.decode([4, 5, 6]), "a<x><x>a");
});

test("characters outside a vocabulary without byte tokens become one unknown token each", async () => {
  const tokenizer = await tokenizerOf(BABY);
  const ids = tokenizer.encode("a\u4e00\u{1f999}b", { addBos: false });
  assert.equal([...ids].filter((id) => id === tokenizer.unknownId).length, 2);
  assert.equal(tokenizer.decode(ids), "ab");
});

test("a character is spelled in bytes only when all of its byte tokens are there", async () => {
  const tokenizer = await made([...BASE, ["\u2581", 1], ["<0xC3>", 6], ["<0xA9>", 6]], {
    add_bos_token: false,
    add_space_prefix: false,
  });
  assert.deepEqual([...tokenizer.encode("\u00e9\u00e8")], [4, 5, 0]);
});

test("merging prefers the higher score, then the left", async () => {
  const tokenizer = await made(
    [...BASE, ["a", 1], ["aa", 1, -5], ["b", 1], ["ab", 1, -1], ["aab", 1, -9]],
    { add_bos_token: false, add_space_prefix: false },
  );
  assert.deepEqual([...tokenizer.encode("aab")], [7], "ab first, then a + ab");
  assert.deepEqual([...tokenizer.encode("aaa")], [4, 3], "leftmost aa");
});

test("decode() leaves out the space that the vocabulary put in front, unless asked", async () => {
  const stories = await tokenizerOf(STORIES);
  const ids = stories.encode("Once upon");
  assert.equal(stories.decode(ids), "Once upon");
  assert.equal(stories.decode(ids, { keepLeadingSpace: true }), " Once upon");
  assert.equal(stories.decode(stories.encode("  two")), "  two");
});

test("ids outside the vocabulary are a RangeError", async () => {
  const stories = await tokenizerOf(STORIES);
  for (const id of [-1, 512, 0.5, NaN]) {
    assert.throws(() => stories.piece(id), RangeError);
    assert.throws(() => stories.decode([id]), RangeError);
  }
});

test("any text comes back from its tokens when the vocabulary has byte tokens", async () => {
  for (const path of [STORIES, PHI]) {
    const tokenizer = await tokenizerOf(path);
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
      }),
      { numRuns: runs(150) },
    );
  }
});

test("the piece of every token is its share of the text", async () => {
  const stories = await tokenizerOf(STORIES);
  assert.deepEqual(stories.piece(1), new Uint8Array(0));
  assert.deepEqual(stories.piece(3), Uint8Array.of(0));
  assert.deepEqual(new TextDecoder().decode(stories.piece(403)), " Once");
});

test("encode() of a hundred thousand characters takes near-linear time, in the worst shapes too", async () => {
  const phi = await tokenizerOf(PHI);
  const length = 100_000;
  for (const unit of [" ", "a", "Once upon a time. ", "\u{1f999}", "ab"]) {
    const act = (): void => {
      const ids = phi.encode(unit.repeat(length / unit.length));
      assert.ok(ids.length > 1000);
    };
    await isSoon(JSON.stringify(unit), { msMax: 4000, act });
  }
});

test("encode() refuses a text beyond its limit", async () => {
  const stories = await tokenizerOf(STORIES);
  assert.throws(() => stories.encode("a".repeat(8 * 1024 * 1024 + 1)), RangeError);
});
