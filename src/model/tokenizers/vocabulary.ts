/**
 * The vocabulary of a SentencePiece model, read from a file's metadata and checked.
 *
 * Keys: docs/gguf.md of ggml, "Tokenizer". Defaults are llama.cpp's for `tokenizer.ggml.model` =
 * "llama".
 */
import type { GgufFile } from "../gguf_types.ts";
import { booleanKey, missing, modelError, showValue } from "../_keys.ts";
import { SPECIAL_TOKEN_UNITS_MAX, SPECIAL_TOKENS_MAX, VOCABULARY_MAX } from "../limits.ts";

/** `tokenizer.ggml.token_type`: values of SentencePiece's ModelProto.SentencePiece.Type. */
export const TOKEN_NORMAL = 1;
/** The token for what cannot be spelled. */
export const TOKEN_UNKNOWN = 2;
/** Never part of a text. */
export const TOKEN_CONTROL = 3;
/** Taken verbatim, before anything else is tokenised. */
export const TOKEN_USER_DEFINED = 4;
/** Reserved; adds nothing. */
export const TOKEN_UNUSED = 5;
/** Stands for one byte. */
export const TOKEN_BYTE = 6;

/** A checked vocabulary. */
export interface Vocabulary {
  readonly texts: readonly string[];
  readonly scores: Float32Array;
  readonly types: Uint8Array;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly eotId: number | undefined;
  readonly unknownId: number | undefined;
  readonly endIds: ReadonlySet<number>;
  readonly addBos: boolean;
  readonly addSpacePrefix: boolean;
}

/** Written by tools that have no id to give. */
const NO_ID = 0xffff_ffff;

/** Texts at which chat models of the Llama family end a turn; they count as control tokens. */
const END_TEXTS: ReadonlySet<string> = new Set([
  "<|eot_id|>",
  "<|eom_id|>",
  "<|im_end|>",
  "<|end|>",
  "<|endoftext|>",
  "<|end_of_text|>",
  "<|end_of_turn|>",
  "<end_of_turn>",
  "<EOT>",
]);

/** The first of `END_TEXTS` that end a turn rather than a text. */
const TURN_TEXTS: readonly string[] = [
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<end_of_turn>",
  "<|end_of_turn|>",
];

/**
 * Reads and checks the vocabulary.
 *
 * @throws {ModelError} `bad-metadata` or `bad-tokenizer`
 */
export function readVocabulary(file: GgufFile): Vocabulary {
  const texts = readTexts(file);
  const scores = readScores(file, texts.length);
  const types = readTypes(file, texts.length);
  const ids = readIds(file, texts.length);
  const endIds = new Set<number>();
  texts.forEach((text, id) => {
    if (!END_TEXTS.has(text)) return;
    endIds.add(id);
    types[id] = TOKEN_CONTROL;
  });
  for (const id of [ids.eosId, ids.eotId]) if (id !== undefined) endIds.add(id);
  checkSpecials(file, texts, types);
  return {
    texts,
    scores,
    types,
    ...ids,
    eotId: ids.eotId ?? TURN_TEXTS.map((text) => texts.indexOf(text)).find((id) => id >= 0),
    endIds,
    addBos: booleanKey(file, "tokenizer.ggml.add_bos_token") ?? true,
    addSpacePrefix: booleanKey(file, "tokenizer.ggml.add_space_prefix") ?? true,
  };
}

function readTexts(file: GgufFile): readonly string[] {
  const key = "tokenizer.ggml.tokens";
  const value = file.metadata.get(key);
  if (value === undefined) throw missing(file, key);
  if (!isStrings(value) || value.length === 0) {
    throw modelError(
      file,
      "bad-tokenizer",
      `'${key}' must be an array of strings: it is ${showValue(value)}`,
    );
  }
  if (value.length > VOCABULARY_MAX) {
    throw modelError(
      file,
      "bad-tokenizer",
      `'${key}' must have at most ${VOCABULARY_MAX} tokens: it has ${value.length}`,
    );
  }
  return value;
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function readScores(file: GgufFile, count: number): Float32Array {
  const key = "tokenizer.ggml.scores";
  const value = file.metadata.get(key);
  if (value === undefined) return new Float32Array(count);
  if (!(value instanceof Float32Array) || value.length !== count) {
    throw modelError(
      file,
      "bad-tokenizer",
      `'${key}' must be ${count} f32: it is ${showValue(value)}`,
    );
  }
  const at = value.findIndex(Number.isNaN);
  if (at >= 0) throw modelError(file, "bad-tokenizer", `item ${at} of '${key}' must not be NaN`);
  return value;
}

function readTypes(file: GgufFile, count: number): Uint8Array {
  const key = "tokenizer.ggml.token_type";
  const value = file.metadata.get(key);
  if (value === undefined) return new Uint8Array(count).fill(TOKEN_NORMAL);
  const isIntegers = value instanceof Int32Array || value instanceof Uint32Array;
  if (!isIntegers || value.length !== count) {
    throw modelError(
      file,
      "bad-tokenizer",
      `'${key}' must be ${count} integers: it is ${showValue(value)}`,
    );
  }
  const at = value.findIndex((type) => type < TOKEN_NORMAL || type > TOKEN_BYTE);
  if (at >= 0) {
    throw modelError(
      file,
      "bad-tokenizer",
      `item ${at} of '${key}' must be 1 to 6: it is ${value[at]}`,
    );
  }
  return Uint8Array.from(value);
}

function readIds(
  file: GgufFile,
  count: number,
): Pick<Vocabulary, "bosId" | "eosId" | "eotId" | "unknownId"> {
  return {
    bosId: readId(file, { name: "bos", count, otherwise: 1 }),
    eosId: readId(file, { name: "eos", count, otherwise: 2 }),
    eotId: readId(file, { name: "eot", count, otherwise: NO_ID }),
    unknownId: readId(file, { name: "unknown", count, otherwise: 0 }),
  };
}

function readId(
  file: GgufFile,
  options: { name: string; count: number; otherwise: number },
): number | undefined {
  const { name, count, otherwise } = options;
  const key = `tokenizer.ggml.${name}_token_id`;
  const value = file.metadata.get(key);
  if (value === undefined) return otherwise < count ? otherwise : undefined;
  if (value === NO_ID || value === -1) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value >= count) {
    throw modelError(
      file,
      "bad-tokenizer",
      `'${key}' must be an id below ${count}: it is ${showValue(value)}`,
    );
  }
  return value;
}

/** Bounds the work of looking for special tokens in a text. */
function checkSpecials(file: GgufFile, texts: readonly string[], types: Uint8Array): void {
  let specials = 0;
  for (let id = 0; id < texts.length; id++) {
    if (!isSpecial(types[id])) continue;
    specials++;
    const units = texts[id]?.length ?? 0;
    if (units > SPECIAL_TOKEN_UNITS_MAX) {
      throw modelError(
        file,
        "bad-tokenizer",
        `special token ${id} must be at most ${SPECIAL_TOKEN_UNITS_MAX} long: it is ${units}`,
      );
    }
  }
  if (specials > SPECIAL_TOKENS_MAX) {
    throw modelError(
      file,
      "bad-tokenizer",
      `it must have at most ${SPECIAL_TOKENS_MAX} special tokens: it has ${specials}`,
    );
  }
}

/** Whether a token type is one that is looked for in a text as a whole. */
export function isSpecial(type: number | undefined): boolean {
  return type === TOKEN_UNKNOWN || type === TOKEN_CONTROL || type === TOKEN_USER_DEFINED;
}
