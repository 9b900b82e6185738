/**
 * The vocabulary of a model, read from a file's metadata and checked.
 *
 * Keys: docs/gguf.md of ggml, "Tokenizer".
 */
import type { GgufFile } from "../gguf_types.ts";
import { booleanKey, missing, modelError, showValue } from "../_keys.ts";
import { findNamedTokens, findStrips } from "./_named_tokens.ts";
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
  readonly addEos: boolean;
  readonly addSpacePrefix: boolean;
  readonly stripsLeft: ReadonlySet<number>;
  readonly stripsRight: ReadonlySet<number>;
}

/** An id that a file may name: the keys that can, first that does, and the id when none does. */
export interface IdRule {
  /** "bos" for `tokenizer.ggml.bos_token_id`. */
  readonly names: readonly string[];
  readonly otherwise?: number;
}

/** What a kind of tokenizer takes for granted when a file is silent. */
export interface VocabularyRules {
  readonly bos: IdRule;
  readonly eos: IdRule;
  readonly unknown: IdRule;
  readonly addBos: boolean;
  readonly addEos: boolean;
  /** `fixed` is not up to the file. */
  readonly addSpacePrefix: boolean | { readonly fixed: boolean };
}

/** Written by tools that have no id to give. */
const NO_ID = 0xffff_ffff;

/**
 * Reads and checks the vocabulary.
 *
 * @throws {ModelError} `bad-metadata` or `bad-tokenizer`
 */
export function readVocabulary(file: GgufFile, rules: VocabularyRules): Vocabulary {
  const texts = readTexts(file);
  const count = texts.length;
  const scores = readScores(file, count);
  const types = readTypes(file, count);
  const idOf = (rule: IdRule): number | undefined => readId(file, { ...rule, count });
  const named = findNamedTokens(texts, (name) => idOf({ names: [name] }));
  for (const id of named.control) types[id] = TOKEN_CONTROL;
  const eosId = idOf(rules.eos);
  const eotId = idOf({ names: ["eot"] }) ?? named.turnId;
  const endIds = new Set(named.ends);
  for (const id of [eosId, eotId, idOf({ names: ["eom"] })]) if (id !== undefined) endIds.add(id);
  for (const id of named.notEnds) endIds.delete(id);
  const specials = readSpecials(file, texts, types);
  const { addSpacePrefix } = rules;
  return {
    texts,
    scores,
    types,
    bosId: idOf(rules.bos),
    eosId,
    eotId,
    unknownId: idOf(rules.unknown),
    endIds,
    addBos: booleanKey(file, "tokenizer.ggml.add_bos_token") ?? rules.addBos,
    addEos: booleanKey(file, "tokenizer.ggml.add_eos_token") ?? rules.addEos,
    addSpacePrefix: typeof addSpacePrefix === "object"
      ? addSpacePrefix.fixed
      : booleanKey(file, "tokenizer.ggml.add_space_prefix") ?? addSpacePrefix,
    ...findStrips(file, { specials, ids: named.ids }),
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

function readId(file: GgufFile, options: IdRule & { count: number }): number | undefined {
  const { names, count, otherwise = NO_ID } = options;
  const keys = names.map((name) => `tokenizer.ggml.${name}_token_id`);
  const key = keys.find((name) => file.metadata.has(name));
  if (key === undefined) return otherwise < count ? otherwise : undefined;
  const value = file.metadata.get(key);
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

/** The ids of the special tokens, few and short enough to look for in a text. */
function readSpecials(file: GgufFile, texts: readonly string[], types: Uint8Array): number[] {
  const specials: number[] = [];
  for (let id = 0; id < texts.length; id++) {
    if (!isReserved(types[id]) && types[id] !== TOKEN_USER_DEFINED) continue;
    specials.push(id);
    const units = texts[id]?.length ?? 0;
    if (units > SPECIAL_TOKEN_UNITS_MAX) {
      throw modelError(
        file,
        "bad-tokenizer",
        `special token ${id} must be at most ${SPECIAL_TOKEN_UNITS_MAX} long: it is ${units}`,
      );
    }
  }
  if (specials.length > SPECIAL_TOKENS_MAX) {
    throw modelError(
      file,
      "bad-tokenizer",
      `it must have at most ${SPECIAL_TOKENS_MAX} special tokens: it has ${specials.length}`,
    );
  }
  return specials;
}

/** Whether a token of this type is never part of plain text, whatever the text says. */
export function isReserved(type: number | undefined): boolean {
  return type === TOKEN_UNKNOWN || type === TOKEN_CONTROL;
}
