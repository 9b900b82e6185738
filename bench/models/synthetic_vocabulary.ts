/**
 * The tokenizer part of a random model: a made-up SentencePiece vocabulary, or another file's.
 */
import type { GgufFile, MetadataValue } from "../../src/model/mod.ts";
import type { ValueToWrite } from "./encode_gguf.ts";

/** Metadata pairs, and how many tokens at the start are not plain text. */
export interface VocabularyToWrite {
  readonly pairs: readonly (readonly [key: string, value: ValueToWrite])[];
  readonly leadingSpecials: number;
}

const TYPE_NORMAL = 1;
const TYPE_UNKNOWN = 2;
const TYPE_CONTROL = 3;
const TYPE_BYTE = 6;
const SPACE_MARK = "\u2581";

/**
 * A vocabulary of `size` tokens: unknown, BOS, EOS, 256 bytes, printable ASCII, and made-up words.
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
  const leadingSpecials = tokens.length;
  tokens.push(SPACE_MARK);
  for (let code = 0x21; code < 0x7f; code++) tokens.push(String.fromCharCode(code));
  if (size < tokens.length) {
    throw new RangeError(
      `Cannot make a vocabulary as it needs at least ${tokens.length} tokens: current size is ${size}`,
    );
  }
  while (tokens.length < size) tokens.push(`${SPACE_MARK}w${tokens.length}`);
  while (types.length < size) types.push(TYPE_NORMAL);
  return {
    leadingSpecials,
    pairs: [
      ["tokenizer.ggml.model", { type: "string", value: "llama" }],
      ["tokenizer.ggml.tokens", { type: "array", of: "string", value: tokens }],
      ["tokenizer.ggml.scores", { type: "array", of: "f32", value: tokens.map((_, id) => -id) }],
      ["tokenizer.ggml.token_type", { type: "array", of: "i32", value: types }],
      ["tokenizer.ggml.bos_token_id", { type: "u32", value: 1 }],
      ["tokenizer.ggml.eos_token_id", { type: "u32", value: 2 }],
      ["tokenizer.ggml.unknown_token_id", { type: "u32", value: 0 }],
      ["tokenizer.ggml.add_bos_token", { type: "bool", value: true }],
    ],
  };
}

/** The vocabulary of another file: all of its `tokenizer.*` pairs. */
export function vocabularyOf(file: GgufFile): VocabularyToWrite {
  const pairs = [...file.metadata].filter(([key]) => key.startsWith("tokenizer."))
    .map(([key, value]) => [key, valueToWrite(value)] as const);
  const types = file.metadata.get("tokenizer.ggml.token_type");
  let leadingSpecials = 0;
  if (types instanceof Int32Array) {
    while (leadingSpecials < types.length && types[leadingSpecials] !== TYPE_NORMAL) {
      leadingSpecials++;
    }
  }
  return { pairs, leadingSpecials };
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
