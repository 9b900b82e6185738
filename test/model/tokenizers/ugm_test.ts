/** The unigram model: the best path, normalisation, white space, and what cannot be spelled. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isModelError } from "../_files.ts";
import { writeCharsmap } from "./_charsmap_writer.ts";
import { madeTokenizer } from "./_made.ts";
import type { MadeToken } from "./_made.ts";
import { unigramVocabulary } from "./_unigram.ts";
import { isSoon } from "../../_soon.ts";

const TOKENS: readonly MadeToken[] = [
  ["<pad>", 3],
  ["</s>", 3],
  ["<unk>", 2],
  ["\u2581", 1, -2],
  ["a", 1, -3],
  ["b", 1, -3],
  ["ab", 1, -4],
  ["\u2581a", 1, -4.5],
  ["ba", 1, -1],
  ["<x>", 4],
];

test("encode() takes the tokens whose scores have the greatest sum", async () => {
  const tokenizer = await madeTokenizer({ model: "t5", tokens: TOKENS });
  assert.equal(tokenizer.kind, "t5");
  assert.deepEqual([...tokenizer.encode("ab")], [6], "-4 rather than -6");
  assert.deepEqual([...tokenizer.encode("aba")], [4, 8], "-4 rather than -7");
  assert.deepEqual([...tokenizer.encode(" a")], [7], "-4.5 rather than -5");
  assert.deepEqual([...tokenizer.encode("")], []);
});

test("EOS comes when asked, as the file wants it", async () => {
  const tokenizer = await madeTokenizer({ model: "t5", tokens: TOKENS });
  assert.ok(tokenizer.addEos && !tokenizer.addBos);
  assert.deepEqual([...tokenizer.encode("ab", { addEos: true })], [6, 1]);
  assert.ok(tokenizer.isEndOfGeneration(1));
});

test("white space goes as the flags say", async () => {
  const ids = async (
    pairs: Record<string, boolean>,
    text: string,
  ): Promise<number[]> => {
    return [
      ...(await madeTokenizer({ model: "t5", tokens: TOKENS, pairs })).encode(
        text,
      ),
    ];
  };
  assert.deepEqual(await ids({}, "b  b "), [5, 3, 3, 5, 3]);
  assert.deepEqual(await ids({ add_space_prefix: true }, "b b"), [3, 5, 3, 5]);
  assert.deepEqual(await ids({ remove_extra_whitespaces: true }, "  b   b "), [
    3,
    5,
    3,
    5,
  ]);
});

test("decode() leaves out the space that was put in front", async () => {
  const tokenizer = await madeTokenizer({
    model: "t5",
    tokens: TOKENS,
    pairs: { add_space_prefix: true },
  });
  assert.equal(tokenizer.decode(tokenizer.encode("ab a")), "ab a");
});

test("what no token spells is unknown, once for a run, or bytes where there are bytes", async () => {
  const tokenizer = await madeTokenizer({ model: "t5", tokens: TOKENS });
  assert.deepEqual([...tokenizer.encode("a\u4f60\u597db")], [4, 2, 5]);
  const bytes = Array.from({ length: 256 }, (_, byte): MadeToken => {
    return [`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, 6];
  });
  const whole = await madeTokenizer({
    model: "t5",
    tokens: [...TOKENS, ...bytes],
  });
  const text = "a\u4f60\u597db";
  assert.equal(whole.decode(whole.encode(text)), text);
  assert.equal(whole.encode(text).length, 8);
});

test("a text is normalised by the map of the file before it is cut", async () => {
  const tokenizer = await madeTokenizer({
    model: "t5",
    tokens: TOKENS,
    pairs: {
      precompiled_charsmap: writeCharsmap([["A", "a"], ["AA", "b"], [
        "\u00ad",
        "",
      ]]),
    },
  });
  assert.deepEqual([...tokenizer.encode("A\u00adAAA")], [4, 8]);
});

test("a broken map is refused", async () => {
  for (
    const bytes of [new Uint8Array(3), Uint8Array.of(255, 0, 0, 0, 1, 2, 3, 4)]
  ) {
    await assert.rejects(
      madeTokenizer({
        model: "t5",
        tokens: TOKENS,
        pairs: { precompiled_charsmap: bytes },
      }),
      isModelError("bad-tokenizer", /precompiled_charsmap/),
    );
  }
});

test("special tokens are recognised only when asked, user-defined ones always", async () => {
  const tokenizer = await madeTokenizer(await unigramVocabulary());
  assert.deepEqual([...tokenizer.encode("<extra_id_1>")], [4]);
  assert.ok(!tokenizer.encode("</s>").includes(1));
  assert.deepEqual([...tokenizer.encode("</s>", { parseSpecial: true })], [1]);
});

test("encode() of a hundred thousand characters takes near-linear time, in the worst shapes too", async () => {
  const tokenizer = await madeTokenizer(
    await unigramVocabulary({ add_space_prefix: true }),
  );
  for (const unit of [" ", "a", "\u4f60", "\ufb03", "\u{1f999}", "ab "]) {
    const text = unit.repeat(100_000 / unit.length);
    await isSoon(JSON.stringify(unit), { msMax: 2000, act: () => void tokenizer.encode(text) });
  }
});
