/**
 * The choice of a tokenizer by a file's `tokenizer.ggml.model`, with what llama.cpp takes for granted
 * about each kind.
 */
import type { GgufFile } from "./gguf_types.ts";
import { booleanKey, missing, modelError, showValue, stringKey } from "./_keys.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { BpeSpelling } from "./tokenizers/bpe.ts";
import { DEFAULT_PRE_TOKENIZER, PRE_TOKENIZERS } from "./tokenizers/pre/pre_tokenizer.ts";
import type { PreTokenizer } from "./tokenizers/pre/pre_tokenizer.ts";
import { Charsmap } from "./tokenizers/charsmap.ts";
import { SpmSpelling } from "./tokenizers/spm.ts";
import { UgmSpelling } from "./tokenizers/ugm.ts";
import { readVocabulary } from "./tokenizers/vocabulary.ts";
import { VocabularyTokenizer } from "./tokenizers/vocabulary_tokenizer.ts";
import { WpmSpelling } from "./tokenizers/wpm.ts";

const LOADERS: ReadonlyMap<unknown, (file: GgufFile) => Tokenizer> = new Map([
  ["llama", loadSpm],
  ["gpt2", loadBpe],
  ["bert", loadWpm],
  ["t5", loadUgm],
]);

/**
 * Makes the tokenizer of a model file.
 *
 * @throws {ModelError} `unsupported-tokenizer` for a kind or a pre-tokeniser that this release does
 * not have, `bad-tokenizer` or `bad-metadata` for a vocabulary that is broken
 */
export function loadTokenizer(file: GgufFile): Tokenizer {
  const kind = file.metadata.get("tokenizer.ggml.model");
  const load = LOADERS.get(kind);
  if (load === undefined) {
    const known = [...LOADERS.keys()].map((name) => `'${name}'`).join(", ");
    throw modelError(
      file,
      "unsupported-tokenizer",
      `'tokenizer.ggml.model' must be one of ${known}: it is ${showValue(kind)}`,
    );
  }
  return load(file);
}

/** SentencePiece by byte-pair encoding: Llama 2, Mistral, Phi-3, Gemma. */
function loadSpm(file: GgufFile): Tokenizer {
  const vocabulary = readVocabulary(file, {
    bos: { names: ["bos"], otherwise: 1 },
    eos: { names: ["eos"], otherwise: 2 },
    unknown: { names: ["unknown"], otherwise: 0 },
    addBos: true,
    addEos: false,
    addSpacePrefix: true,
  });
  const spelling = new SpmSpelling(vocabulary);
  return new VocabularyTokenizer(vocabulary, { kind: "llama", spelling });
}

/** Byte-level byte-pair encoding: GPT-2, Llama 3, Qwen, Falcon and most others. */
function loadBpe(file: GgufFile): Tokenizer {
  const pre = preTokenizerOf(file);
  const vocabulary = readVocabulary(file, {
    bos: pre.noBos === true ? { names: ["bos"] } : { names: ["bos"], otherwise: 11 },
    eos: { names: ["eos"], otherwise: 11 },
    unknown: { names: ["unknown"] },
    addBos: pre.addBos ?? false,
    addEos: false,
    addSpacePrefix: { fixed: false },
  });
  const spelling = new BpeSpelling(vocabulary, { pre, merges: mergesOf(file) });
  return new VocabularyTokenizer(vocabulary, { kind: "gpt2", spelling });
}

/** WordPiece: BERT and its descendants, which embed. */
function loadWpm(file: GgufFile): Tokenizer {
  const vocabulary = readVocabulary(file, {
    bos: { names: ["bos", "cls"], otherwise: 101 },
    // The key is misspelled in the format itself.
    eos: { names: ["seperator", "eos"], otherwise: 102 },
    unknown: { names: ["unknown"], otherwise: 100 },
    addBos: true,
    addEos: true,
    addSpacePrefix: { fixed: true },
  });
  const lowerCase = booleanKey(file, "tokenizer.ggml.normalizer.lowercase") ??
    true;
  const stripAccents = booleanKey(file, "tokenizer.ggml.normalizer.strip_accents") ?? lowerCase;
  const spelling = new WpmSpelling(vocabulary, { lowerCase, stripAccents });
  return new VocabularyTokenizer(vocabulary, { kind: "bert", spelling });
}

/** SentencePiece's unigram model: T5, XLM-RoBERTa. */
function loadUgm(file: GgufFile): Tokenizer {
  const addSpacePrefix = booleanKey(file, "tokenizer.ggml.add_space_prefix") ??
    false;
  const mergeSpaces = booleanKey(file, "tokenizer.ggml.remove_extra_whitespaces") ?? false;
  const vocabulary = readVocabulary(file, {
    bos: { names: ["bos"] },
    eos: { names: ["eos"], otherwise: 1 },
    unknown: { names: ["unknown"], otherwise: 2 },
    addBos: false,
    addEos: true,
    addSpacePrefix: { fixed: addSpacePrefix || mergeSpaces },
  });
  const charsmap = charsmapOf(file);
  const spelling = new UgmSpelling(vocabulary, {
    charsmap,
    addSpacePrefix,
    mergeSpaces,
  });
  return new VocabularyTokenizer(vocabulary, { kind: "t5", spelling });
}

function charsmapOf(file: GgufFile): Charsmap | undefined {
  const key = "tokenizer.ggml.precompiled_charsmap";
  const value = file.metadata.get(key);
  if (value === undefined) return undefined;
  const charsmap = value instanceof Int32Array
    ? Charsmap.tryParse(Uint8Array.from(value))
    : undefined;
  if (charsmap !== undefined) return charsmap;
  throw modelError(
    file,
    "bad-tokenizer",
    `'${key}' must be the bytes of a map: it is ${showValue(value)}`,
  );
}

function preTokenizerOf(file: GgufFile): PreTokenizer {
  const name = stringKey(file, "tokenizer.ggml.pre") ?? DEFAULT_PRE_TOKENIZER;
  const pre = PRE_TOKENIZERS.get(name);
  if (pre !== undefined) return pre;
  throw modelError(
    file,
    "unsupported-tokenizer",
    `'tokenizer.ggml.pre' must be one of ${[...PRE_TOKENIZERS.keys()].join(", ")}: it is ${
      showValue(name)
    }`,
  );
}

function mergesOf(file: GgufFile): readonly string[] {
  const key = "tokenizer.ggml.merges";
  const value = file.metadata.get(key);
  if (value === undefined) throw missing(file, key);
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) {
    return value;
  }
  throw modelError(
    file,
    "bad-tokenizer",
    `'${key}' must be an array of strings: it is ${showValue(value)}`,
  );
}
