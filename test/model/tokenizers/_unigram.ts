/**
 * A unigram vocabulary for tests: the tokens of phi-3's vocabulary with made-up scores, two
 * user-defined and one unused token, and NFKC with lower-case Latin as its normalisation.
 */
import { vocabulary } from "../_vocabularies.ts";
import type { MadeToken, MadeVocabulary } from "./_made.ts";
import { writeCharsmap } from "./_charsmap_writer.ts";

const SPECIALS: readonly MadeToken[] = [
  ["<pad>", 3],
  ["</s>", 3],
  ["<unk>", 2],
  ["<extra_id_0>", 4],
  ["<extra_id_1>", 4],
  ["unused", 5, -3],
];
const NORMALISED_MAX = 0x1_0000;

/** A replacement for each code point of the first plane that NFKC or lower case changes, and others. */
export function* normalisation(): Generator<readonly [string, string]> {
  yield ["\t", " "];
  yield ["\n", " "];
  yield ["\u00ad", ""];
  yield ["ffi", "f-f-i"];
  yield ["e\u0301", "\u00e9"];
  for (let point = 0x41; point < NORMALISED_MAX; point++) {
    if (point >= 0xd800 && point < 0xe000) continue;
    const text = String.fromCodePoint(point);
    const normal = text.normalize("NFKC");
    const changed = point < 0x250 ? normal.toLowerCase() : normal;
    if (changed !== text && text !== "\u00ad") yield [text, changed];
  }
}

/** The vocabulary, with flags. */
export async function unigramVocabulary(
  pairs: Readonly<Record<string, boolean | number>> = {},
): Promise<MadeVocabulary> {
  const { metadata } = await vocabulary("phi-3");
  const texts = metadata.get("tokenizer.ggml.tokens") as readonly string[];
  const types = metadata.get("tokenizer.ggml.token_type") as Int32Array;
  const plain = texts.filter((_, id) => types[id] === 1);
  const tokens = plain.map((
    text,
    i,
  ): MadeToken => [text, 1, -3 - (i * 7919 % 997) / 100]);
  return {
    model: "t5",
    tokens: [...SPECIALS, ...tokens],
    pairs: { ...pairs, precompiled_charsmap: writeCharsmap(normalisation()) },
  };
}
