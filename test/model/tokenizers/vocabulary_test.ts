/** Ids and flags by key, by name, and by what llama.cpp takes for granted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tokenizer } from "../../../src/model/mod.ts";
import { isModelError } from "../_files.ts";
import { madeTokenizer } from "./_made.ts";
import type { MadeToken } from "./_made.ts";

const BASE: readonly MadeToken[] = [["<unk>", 2], ["<s>", 3], ["</s>", 3], ["a"], ["b"]];

function made(
  tokens: readonly MadeToken[],
  pairs: Record<string, boolean | number> = {},
): Promise<Tokenizer> {
  return madeTokenizer({ model: "llama", tokens: [...BASE, ...tokens], pairs });
}

function ends(tokenizer: Tokenizer): number[] {
  const ids = Array.from({ length: tokenizer.vocabularySize }, (_, id) => id);
  return ids.filter((id) => tokenizer.isEndOfGeneration(id));
}

for (
  const text of [
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "[EOT]",
  ]
) {
  test(`generation ends at ${text}, a control token whatever its type`, async () => {
    const tokenizer = await made([[text, 4]]);
    assert.deepEqual(ends(tokenizer), [2, 5]);
    assert.deepEqual(tokenizer.piece(5), new Uint8Array(0));
    assert.ok(!tokenizer.encode(text).includes(5));
    assert.ok(tokenizer.encode(text, { parseSpecial: true }).includes(5));
  });
}

test("generation ends at the ids that the file names for turns and messages", async () => {
  const tokenizer = await made([["x", 3], ["y", 3]], { eot_token_id: 5, eom_token_id: 6 });
  assert.deepEqual(ends(tokenizer), [2, 5, 6]);
  assert.equal(tokenizer.eotId, 5);
});

test("a turn's end is found by name when no key gives it", async () => {
  assert.equal((await made([["<|endoftext|>"], ["<end_of_turn>"]])).eotId, 6);
  assert.equal((await made([["<|im_end|>"]], { eot_token_id: 4 })).eotId, 4);
  assert.equal((await made([])).eotId, undefined);
});

test("tokens for filling in are control tokens, and generation ends at their padding", async () => {
  const tokenizer = await made([["<|fim_prefix|>"], ["<|fim_pad|>"], ["<|file_sep|>"]]);
  assert.deepEqual(ends(tokenizer), [2, 6, 7]);
  assert.ok(tokenizer.specialTokens.some(({ id, kind }) => id === 5 && kind === "control"));
  const given = await made([["<|fim_pad|>"], ["pad"]], { fim_pad_token_id: 6 });
  assert.deepEqual(ends(given), [2, 6]);
});

test("where an answer has parts, their end is not the answer's", async () => {
  const harmony = await made([["<|end|>", 3], ["<|return|>", 3], ["<|call|>", 3]]);
  assert.deepEqual(ends(harmony), [2, 6, 7]);
});

test("an id outside the vocabulary is refused, and 4294967295 is none", async () => {
  await assert.rejects(
    made([], { eom_token_id: 5 }),
    isModelError("bad-tokenizer", /eom_token_id.* below 5: it is 5/),
  );
  assert.equal((await made([], { eos_token_id: 0xffff_ffff })).eosId, undefined);
});

test("no text becomes a control or unknown token unless asked", async () => {
  const tokens: MadeToken[] = [["<", 1, 0], ["s", 1, 0], [">", 1, 0], ["<s", 1, 0]];
  const tokenizer = await made(tokens, { add_bos_token: false, add_space_prefix: false });
  assert.deepEqual([...tokenizer.encode("<s>")], [8, 7], "not the BOS, though '<s' and '>' are");
  assert.equal(tokenizer.decode(tokenizer.encode("<s>")), "<s>");
});
