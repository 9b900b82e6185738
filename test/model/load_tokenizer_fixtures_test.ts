/** The packed vocabularies are the files of llama.cpp's tree, and packing loses nothing. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { encodeGguf } from "../../bench/models/encode_gguf.ts";
import type { ValueToWrite } from "../../bench/models/encode_gguf.ts";
import { compactVocabulary, expandVocabulary } from "./_compact_vocabulary.ts";
import { vocabulary, vocabularyBytes } from "./_vocabularies.ts";
import type { VocabularyName } from "./_vocabularies.ts";

/** SHA-256 of the files before packing, and their number of tokens. */
const ORIGINALS: readonly (readonly [VocabularyName, string, number])[] = [
  ["gpt-2", "cedc56ca6e2e89f63e781696d1fd76b4b1d49e6720dee86463e915f6e90016ac", 50257],
  ["qwen2", "44c2f46b715f585c6ab513970e8a006bfa5badd6108560054921cf598d154d8c", 151936],
  ["falcon", "9f0bf8b0733680398b72e652e90f260f43782f326e75545fc0e49611a5ba35ad", 65024],
  ["mpt", "59dc382612866d1fc6c11ea531318d327598f3412d9c8f8600607cdf3030898f", 50432],
  ["phi-3", "967d7190d11c4842eab697079d98d56c2116e10eb617be355a2733bfc132e326", 32064],
  ["bert-bge", "fbcbe22278fb302694d5f4a41bfe48c5f90e8e3554eab1c0435387dff654a854", 30522],
];

for (const [name, digest, count] of ORIGINALS) {
  test(`the packed vocabulary ${name} is byte for byte the file that was packed`, async () => {
    assert.equal(createHash("sha256").update(vocabularyBytes(name)).digest("hex"), digest);
    const tokens = (await vocabulary(name)).metadata.get("tokenizer.ggml.tokens");
    assert.ok(Array.isArray(tokens) && tokens.length === count);
  });
}

test("compactVocabulary() keeps merges that are no tokens, and any value", () => {
  const strings = (value: string[]): ValueToWrite => ({ type: "array", of: "string", value });
  const gguf = encodeGguf({
    alignmentBytes: 1,
    metadata: [
      ["tokenizer.ggml.tokens", strings(["a", "b", "ab", "\u{1f999}a"])],
      ["tokenizer.ggml.merges", strings(["a b", "b a"])],
      ["tokenizer.ggml.scores", { type: "array", of: "f32", value: [0.1, -1e9, 3, 4] }],
      ["tokenizer.ggml.add_bos_token", { type: "bool", value: false }],
    ],
  });
  assert.deepEqual(expandVocabulary(compactVocabulary(gguf)), gguf);
});

test("compactVocabulary() refuses a file that it could not give back", () => {
  const gguf = encodeGguf({
    metadata: [["tokenizer.ggml.tokens", { type: "array", of: "string", value: ["a"] }]],
  });
  assert.throws(() => compactVocabulary(gguf), RangeError, "it is padded");
});
