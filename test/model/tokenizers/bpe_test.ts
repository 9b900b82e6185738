/** llama.cpp's vectors for byte-level BPE, what a vocabulary's flags change, and time on long texts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createDetokenizer } from "../../../src/model/mod.ts";
import { isModelError, runs } from "../_files.ts";
import { vectors } from "../_vectors.ts";
import { fixtureTokenizer, madeTokenizer } from "./_made.ts";
import type { MadeToken } from "./_made.ts";
import { isSoon } from "../../_soon.ts";

for (const name of ["gpt-2", "qwen2", "falcon", "mpt"] as const) {
  test(`encode() gives llama.cpp's ids, and decode() the text again, for every vector of ${name}`, async () => {
    const tokenizer = await fixtureTokenizer(name);
    assert.equal(tokenizer.kind, "gpt2");
    const cases = vectors(`vocab/ggml-vocab-${name}.gguf.out`);
    assert.equal(cases.length, 47);
    for (const { text, ids } of cases) {
      assert.deepEqual([...tokenizer.encode(text, { addBos: false })], ids, JSON.stringify(text));
      assert.equal(tokenizer.decode(ids), text);
    }
  });
}

test("any text comes back from its tokens, whole and as a stream", async () => {
  const tokenizer = await fixtureTokenizer("qwen2");
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 100 }), (text) => {
      const ids = tokenizer.encode(text);
      assert.equal(tokenizer.decode(ids), text);
      const stream = createDetokenizer(tokenizer);
      assert.equal([...ids].map((id) => stream.push(id)).join("") + stream.flush(), text);
    }),
    { numRuns: runs(150) },
  );
});

test("a stream holds back a character whose bytes are split over tokens", async () => {
  const tokenizer = await fixtureTokenizer("gpt-2");
  const ids = tokenizer.encode("\u{1f999}");
  assert.ok(ids.length > 1);
  const stream = createDetokenizer(tokenizer);
  const parts = [...ids].map((id) => stream.push(id));
  assert.deepEqual(parts, [...parts.slice(1).map(() => ""), "\u{1f999}"]);
});

test("ids and flags are the file's, or what llama.cpp takes for granted", async () => {
  const qwen = await fixtureTokenizer("qwen2");
  assert.equal(qwen.bosId, 151_643);
  assert.equal(qwen.eotId, 151_645);
  assert.ok(qwen.isEndOfGeneration(151_643) && qwen.isEndOfGeneration(151_645));
  assert.deepEqual([...qwen.encode("Hi")], [13_048], "no BOS");
  assert.equal(qwen.decode([151_644, 13_048, 151_645]), "Hi", "control tokens add nothing");
  const llama3 = await fixtureTokenizer("qwen2", { pre: "llama-bpe" });
  assert.deepEqual([...llama3.encode("Hi")], [151_643, 13_048], "Llama 3 starts with BOS");
  const none = await fixtureTokenizer("qwen2", { pre: "llama-bpe", add_bos_token: false });
  assert.deepEqual([...none.encode("Hi")], [13_048]);
  assert.deepEqual([...qwen.encode("Hi", { addEos: true })], [13_048, 151_643]);
});

test("special tokens are recognised only when asked", async () => {
  const tokenizer = await fixtureTokenizer("qwen2");
  const text = "<|im_start|>user\nHi<|im_end|>";
  assert.ok(!tokenizer.encode(text).some((id) => id >= 151_643));
  const parsed = [...tokenizer.encode(text, { parseSpecial: true })];
  assert.deepEqual(parsed, [151_644, ...tokenizer.encode("user\nHi"), 151_645]);
  assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
});

/** Tokens and merges with which "ab" merges, and "abc" is a token that merging does not reach. */
const TOKENS: readonly MadeToken[] = [["a"], ["b"], ["c"], ["ab"], ["abc"], ["<x>", 3], ["bc"]];

test("merging takes the best rank first, then the leftmost", async () => {
  const tokens: MadeToken[] = [["a"], ["b"], ["aa"], ["ab"], ["aab"]];
  const model = "gpt2";
  const merges = ["a b", "a a", "a ab"];
  const tokenizer = await madeTokenizer({ model, tokens, merges, pairs: { pre: "gpt-2" } });
  assert.deepEqual([...tokenizer.encode("aab")], [4]);
  assert.deepEqual([...tokenizer.encode("aaa")], [2, 0]);
  assert.deepEqual([...tokenizer.encode("aabaab")], [4, 4]);
});

test("a piece that is a token needs no merges where the pre-tokeniser says so", async () => {
  const made = { model: "gpt2", tokens: TOKENS, merges: ["a b"] };
  const merging = await madeTokenizer({ ...made, pairs: { pre: "gpt-2" } });
  assert.deepEqual([...merging.encode("abc")], [3, 2]);
  const ignoring = await madeTokenizer({
    ...made,
    pairs: { pre: "llama-bpe", add_bos_token: false },
  });
  assert.deepEqual([...ignoring.encode("abc")], [4]);
});

test("bytes without a token become the unknown token, or nothing", async () => {
  const made = { model: "gpt2", tokens: TOKENS, merges: ["a b"] };
  const without = await madeTokenizer({ ...made, pairs: { pre: "gpt-2" } });
  assert.deepEqual([...without.encode("a\u00e9b")], [0, 1]);
  const tokenizer = await madeTokenizer({
    ...made,
    pairs: { pre: "gpt-2", unknown_token_id: 5 },
  });
  assert.deepEqual([...tokenizer.encode("a\u00e9b")], [0, 5, 5, 1]);
});

test("a merge into a text that is no token is spelled by its bytes", async () => {
  const tokens: MadeToken[] = [["a"], ["b"], ["abab"]];
  const model = "gpt2";
  const tokenizer = await madeTokenizer({ model, tokens, merges: ["a b", "ab ab"] });
  assert.deepEqual([...tokenizer.encode("abab")], [2]);
  assert.deepEqual([...tokenizer.encode("aba")], [0, 1, 0]);
});

test("an unknown pre-tokeniser is refused by name, with the known ones", async () => {
  await assert.rejects(
    madeTokenizer({ model: "gpt2", tokens: TOKENS, merges: [], pairs: { pre: "klingon" } }),
    isModelError("unsupported-tokenizer", /one of .*llama-bpe.*: it is 'klingon'/),
  );
});

test("a file without merges, or with others than strings, is refused", async () => {
  await assert.rejects(
    madeTokenizer({ model: "gpt2", tokens: TOKENS }),
    isModelError("bad-metadata", /tokenizer.ggml.merges/),
  );
  await assert.rejects(
    madeTokenizer({ model: "gpt2", tokens: TOKENS, pairs: { merges: 5 } }),
    isModelError("bad-tokenizer", /array of strings/),
  );
});

test("encode() of a hundred thousand characters takes near-linear time, in the worst shapes too", async () => {
  const tokenizer = await fixtureTokenizer("qwen2", { pre: "gpt-4o" });
  for (
    const unit of [" ", "a", "\n", "1", "'", "\u00e9A", "\u{1f999}", " \n", "Once upon a time. "]
  ) {
    const act = (): void => {
      const ids = tokenizer.encode(unit.repeat(100_000 / unit.length));
      assert.ok(ids.length > 400);
    };
    await isSoon(JSON.stringify(unit), { msMax: 2000, act });
  }
});
