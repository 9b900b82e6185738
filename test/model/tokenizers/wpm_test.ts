/** llama.cpp's vectors for WordPiece, and how words are normalised and cut. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { vectors } from "../_vectors.ts";
import { fixtureTokenizer, madeTokenizer } from "./_made.ts";
import type { MadeToken } from "./_made.ts";
import { isSoon } from "../../_soon.ts";

const TOKENS: readonly MadeToken[] = [
  ["[PAD]", 3],
  ["[UNK]", 3],
  ["[CLS]", 3],
  ["[SEP]", 3],
  ["\u2581hel"],
  ["lo"],
  ["\u2581hello"],
  ["\u2581!"],
  ["\u2581\u4f60"],
  ["\u2581Hello"],
  ["\u2581e"],
  ["\u2581\u00e9"],
  ["\u2581\u1112"],
];
const IDS = { unknown_token_id: 1, cls_token_id: 2, seperator_token_id: 3 };

test("encode() gives llama.cpp's ids for every vector of bert-bge", async () => {
  const tokenizer = await fixtureTokenizer("bert-bge");
  assert.equal(tokenizer.kind, "bert");
  const cases = vectors("vocab/ggml-vocab-bert-bge.gguf.out");
  assert.equal(cases.length, 47);
  for (const { text, ids } of cases) {
    assert.deepEqual(
      [...tokenizer.encode(text, { addBos: false })],
      ids,
      JSON.stringify(text),
    );
  }
});

test("a text starts with [CLS], and ends with [SEP] when asked", async () => {
  const tokenizer = await fixtureTokenizer("bert-bge");
  assert.ok(tokenizer.addBos && tokenizer.addEos);
  assert.deepEqual([...tokenizer.encode("hello", { addEos: true })], [
    101,
    7592,
    102,
  ]);
  assert.equal(tokenizer.decode([101, 7592, 2088, 102]), "hello world");
  assert.equal(tokenizer.decode([7592], { keepLeadingSpace: true }), " hello");
});

test("words are cut into the longest tokens from the left, or are unknown as a whole", async () => {
  const tokenizer = await madeTokenizer({
    model: "bert",
    tokens: TOKENS,
    pairs: IDS,
  });
  const ids = (
    text: string,
  ): number[] => [...tokenizer.encode(text, { addBos: false })];
  assert.deepEqual(ids("hello"), [6]);
  assert.deepEqual(ids("hellolo"), [6, 5]);
  assert.deepEqual(ids("hel lo"), [4, 1], "'lo' begins no word");
  assert.deepEqual(ids("hellox hello"), [1, 6]);
  assert.deepEqual(ids("hello!hello\u4f60\u4f60"), [6, 7, 6, 8, 8]);
  assert.deepEqual(ids("he\u0000l\u200blo\n"), [6], "controls are dropped");
});

test("case and accents go as the file says", async () => {
  const made = { model: "bert", tokens: TOKENS };
  const folding = await madeTokenizer({ ...made, pairs: IDS });
  assert.deepEqual([...folding.encode("HELLO \u00c9 e\u0301")], [2, 6, 10, 10]);
  assert.deepEqual(
    [...folding.encode("\ud55c")],
    [2, 12],
    "the first jamo stays",
  );
  const cased = await madeTokenizer({
    ...made,
    pairs: { ...IDS, "normalizer.lowercase": false },
  });
  assert.deepEqual([...cased.encode("Hello \u00e9")], [2, 9, 11]);
  const accented = await madeTokenizer({
    ...made,
    pairs: { ...IDS, "normalizer.strip_accents": false },
  });
  assert.deepEqual([...accented.encode("HELLO \u00c9")], [2, 6, 11]);
});

test("special tokens are recognised only when asked", async () => {
  const tokenizer = await fixtureTokenizer("bert-bge");
  assert.ok(!tokenizer.encode("[MASK]", { addBos: false }).includes(103));
  assert.deepEqual([
    ...tokenizer.encode("[MASK]", { addBos: false, parseSpecial: true }),
  ], [103]);
});

test("encode() of a hundred thousand characters takes near-linear time, in the worst shapes too", async () => {
  const tokenizer = await fixtureTokenizer("bert-bge");
  for (const unit of [" ", "a", "\u4f60", "\u00e9", "!", "ab "]) {
    const text = unit.repeat(100_000 / unit.length);
    await isSoon(JSON.stringify(unit), { msMax: 2000, act: () => void tokenizer.encode(text) });
  }
});
