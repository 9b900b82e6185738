/**
 * The tokenizer part of a random model: a made-up vocabulary, or another file's.
 */
import type { GgufFile, MetadataValue } from "../../src/model/mod.ts";
import type { ValueToWrite } from "./encode_gguf.ts";

/** Metadata pairs, the tokens, and which of them are not plain text. */
export interface VocabularyToWrite {
  readonly pairs: readonly (readonly [key: string, value: ValueToWrite])[];
  readonly tokens: readonly string[];
  /** Ids of unknown, control, unused and byte tokens. */
  readonly specials: ReadonlySet<number>;
}

const TYPE_NORMAL = 1;
const TYPE_UNKNOWN = 2;
const TYPE_CONTROL = 3;
const TYPE_USER_DEFINED = 4;
const TYPE_BYTE = 6;
const SPACE_MARK = "\u2581";

/**
 * A SentencePiece vocabulary of `size` tokens: unknown, BOS, EOS, 256 bytes, printable ASCII, and
 * made-up words.
 *
 * @param size at least 355, so that all but the words fit
 */
export function syntheticVocabulary(size: number): VocabularyToWrite {
  const tokens = ["<unk>", "<s>", "</s>"];
  const types = [TYPE_UNKNOWN, TYPE_CONTROL, TYPE_CONTROL];
  for (let byte = 0; byte < 256; byte++) {
    tokens.push(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
    types.push(TYPE_BYTE);
  }
  fill({ tokens, types, size });
  return withPairs(tokens, types, [
    ["tokenizer.ggml.model", { type: "string", value: "llama" }],
    ["tokenizer.ggml.scores", { type: "array", of: "f32", value: tokens.map((_, id) => -id) }],
    ["tokenizer.ggml.bos_token_id", { type: "u32", value: 1 }],
    ["tokenizer.ggml.eos_token_id", { type: "u32", value: 2 }],
    ["tokenizer.ggml.unknown_token_id", { type: "u32", value: 0 }],
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: true }],
  ]);
}

/**
 * A WordPiece vocabulary of `size` tokens for encoders: BERT's five special ones, printable ASCII
 * as beginnings of words, and made-up words.
 *
 * @param size at least 101, so that all but the words fit
 */
export function syntheticWordPieces(size: number): VocabularyToWrite {
  const tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  const types = tokens.map(() => TYPE_CONTROL);
  fill({ tokens, types, size });
  return withPairs(tokens, types, [
    ["tokenizer.ggml.model", { type: "string", value: "bert" }],
    ["tokenizer.ggml.pre", { type: "string", value: "bert-bge" }],
    ["tokenizer.ggml.unknown_token_id", { type: "u32", value: 1 }],
    ["tokenizer.ggml.seperator_token_id", { type: "u32", value: 3 }],
    ["tokenizer.ggml.padding_token_id", { type: "u32", value: 0 }],
    ["tokenizer.ggml.cls_token_id", { type: "u32", value: 2 }],
    ["tokenizer.ggml.mask_token_id", { type: "u32", value: 4 }],
  ]);
}

/** The vocabulary of another file: all of its `tokenizer.*` pairs. */
export function vocabularyOf(file: GgufFile): VocabularyToWrite {
  const pairs = [...file.metadata].filter(([key]) => key.startsWith("tokenizer."))
    .map(([key, value]) => [key, valueToWrite(value)] as const);
  const types = file.metadata.get("tokenizer.ggml.token_type");
  const tokens = file.metadata.get("tokenizer.ggml.tokens");
  return {
    pairs,
    tokens: Array.isArray(tokens) ? tokens.map(String) : [],
    specials: specialsOf(types instanceof Int32Array ? types : []),
  };
}

/** Printable ASCII as beginnings of words, then made-up words, up to `size` tokens. */
function fill(options: { tokens: string[]; types: number[]; size: number }): void {
  const { tokens, types, size } = options;
  tokens.push(SPACE_MARK);
  for (let code = 0x21; code < 0x7f; code++) tokens.push(String.fromCharCode(code));
  if (size < tokens.length) {
    throw new RangeError(
      `Cannot make a vocabulary as it needs at least ${tokens.length} tokens: current size is ${size}`,
    );
  }
  while (tokens.length < size) tokens.push(`${SPACE_MARK}w${tokens.length}`);
  while (types.length < size) types.push(TYPE_NORMAL);
}

function withPairs(
  tokens: readonly string[],
  types: readonly number[],
  others: VocabularyToWrite["pairs"],
): VocabularyToWrite {
  return {
    tokens,
    specials: specialsOf(types),
    pairs: [
      ...others,
      ["tokenizer.ggml.tokens", { type: "array", of: "string", value: tokens }],
      ["tokenizer.ggml.token_type", { type: "array", of: "i32", value: types }],
    ],
  };
}

function specialsOf(types: ArrayLike<number>): ReadonlySet<number> {
  const specials = new Set<number>();
  for (let id = 0; id < types.length; id++) {
    if (types[id] !== TYPE_NORMAL && types[id] !== TYPE_USER_DEFINED) specials.add(id);
  }
  return specials;
}

function valueToWrite(value: MetadataValue): ValueToWrite {
  if (typeof value === "string") return { type: "string", value };
  if (typeof value === "boolean") return { type: "bool", value };
  if (typeof value === "number") {
    return Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff
      ? { type: "u32", value }
      : { type: "f64", value };
  }
  if (value instanceof Float32Array) return { type: "array", of: "f32", value };
  if (value instanceof Float64Array) return { type: "array", of: "f64", value };
  if (value instanceof Int32Array) return { type: "array", of: "i32", value };
  if (value instanceof Uint32Array) return { type: "array", of: "u32", value };
  const first = value[0];
  const of = typeof first === "string" ? "string" : typeof first === "boolean" ? "bool" : "i64";
  return { type: "array", of, value };
}
