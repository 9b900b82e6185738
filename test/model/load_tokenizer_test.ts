/** Kinds of tokenizers that are refused, and vocabularies that are broken. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ValueToWrite } from "../../bench/models/encode_gguf.ts";
import { loadTokenizer } from "../../src/model/mod.ts";
import type { ModelErrorCode } from "../../src/model/mod.ts";
import { isModelError, openWritten, tinyLlama, withKey } from "./_files.ts";

test("loadTokenizer() makes the tokenizer of a valid file", async () => {
  const tokenizer = loadTokenizer(await openWritten(tinyLlama()));
  assert.equal(tokenizer.kind, "llama");
  assert.deepEqual([...tokenizer.encode("a")], [1, 5]);
  assert.deepEqual(tokenizer.specialTokens.map(({ kind }) => kind), [
    "unknown",
    "control",
    "control",
  ]);
});

for (const kind of ["rwkv", "plamo2", "none"]) {
  test(`loadTokenizer() refuses '${kind}' by name`, async () => {
    const { metadata } = tinyLlama();
    const pair: [string, ValueToWrite] = ["tokenizer.ggml.model", { type: "string", value: kind }];
    const file = await openWritten({ metadata: withKey(metadata, pair) });
    assert.throws(
      () => loadTokenizer(file),
      isModelError("unsupported-tokenizer", new RegExp(`it is '${kind}'`)),
    );
  });
}

test("loadTokenizer() refuses a file that names no tokenizer, or has no tokens", async () => {
  const bare = await openWritten({ metadata: [] });
  assert.throws(() => loadTokenizer(bare), isModelError("unsupported-tokenizer", /it is missing/));
  const { metadata } = tinyLlama();
  const file = await openWritten({
    metadata: metadata.filter(([key]) => key !== "tokenizer.ggml.tokens"),
  });
  assert.throws(() => loadTokenizer(file), isModelError("bad-metadata", /tokenizer.ggml.tokens/));
});

type Broken = readonly [key: string, value: ValueToWrite, code: ModelErrorCode, words: RegExp];

const BROKEN: readonly Broken[] = [
  ["tokens", { type: "array", of: "u32", value: [1] }, "bad-tokenizer", /array of strings/],
  ["tokens", { type: "array", of: "string", value: [] }, "bad-tokenizer", /array of strings/],
  ["scores", { type: "array", of: "f32", value: [1] }, "bad-tokenizer", /must be 6 f32/],
  ["scores", { type: "array", of: "f32", value: [0, 0, NaN, 0, 0, 0] }, "bad-tokenizer", /item 2/],
  [
    "token_type",
    { type: "array", of: "i32", value: [1, 1, 1, 1, 1, 7] },
    "bad-tokenizer",
    /item 5/,
  ],
  ["token_type", { type: "array", of: "string", value: ["a"] }, "bad-tokenizer", /6 integers/],
  ["bos_token_id", { type: "u32", value: 6 }, "bad-tokenizer", /bos_token_id.* below 6: it is 6/],
  ["eos_token_id", { type: "f32", value: 0.5 }, "bad-tokenizer", /eos_token_id/],
  ["add_bos_token", { type: "u32", value: 1 }, "bad-metadata", /must be a bool/],
];

for (const [key, value, code, words] of BROKEN) {
  test(`loadTokenizer() refuses ${key} = ${JSON.stringify(value)}`, async () => {
    const { metadata } = tinyLlama();
    const file = await openWritten({
      metadata: withKey(metadata, [`tokenizer.ggml.${key}`, value]),
    });
    assert.throws(() => loadTokenizer(file), isModelError(code, words));
  });
}
