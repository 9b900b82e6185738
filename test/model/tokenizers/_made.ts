/** Made-up vocabularies, and the tokenizers of the packed ones. */
import type { ValueToWrite } from "../../../bench/models/encode_gguf.ts";
import { loadTokenizer } from "../../../src/model/mod.ts";
import type { Tokenizer } from "../../../src/model/mod.ts";
import { openWritten } from "../_files.ts";
import { vocabulary } from "../_vocabularies.ts";
import type { VocabularyName } from "../_vocabularies.ts";

/** A token: text, `tokenizer.ggml.token_type` (1 when left out), score (0). */
export type MadeToken = readonly [text: string, type?: number, score?: number];

/** A file with a made-up vocabulary and other `tokenizer.ggml.*` pairs. */
export interface MadeVocabulary {
  readonly model: string;
  readonly tokens: readonly MadeToken[];
  readonly merges?: readonly string[];
  /** Numbers are u32. */
  readonly pairs?: Readonly<Record<string, boolean | number | string | Uint8Array>>;
  readonly name?: string;
}

/** The metadata of such a file. */
export function madeMetadata(made: MadeVocabulary): [string, ValueToWrite][] {
  const strings = (value: readonly string[]): ValueToWrite => {
    return { type: "array", of: "string", value };
  };
  const { model, tokens, merges, pairs = {}, name = "made" } = made;
  return [
    ["general.architecture", { type: "string", value: "llama" }],
    ["general.name", { type: "string", value: name }],
    ["tokenizer.ggml.model", { type: "string", value: model }],
    ["tokenizer.ggml.tokens", strings(tokens.map(([text]) => text))],
    ["tokenizer.ggml.token_type", {
      type: "array",
      of: "i32",
      value: tokens.map(([, type = 1]) => type),
    }],
    ["tokenizer.ggml.scores", {
      type: "array",
      of: "f32",
      value: tokens.map(([, , score = 0]) => score),
    }],
    ...merges === undefined ? [] : [["tokenizer.ggml.merges", strings(merges)] as const],
    ...Object.entries(pairs).map(([key, value]) => {
      return [`tokenizer.ggml.${key}`, valueOf(value)] as const;
    }),
  ].map(([key, value]) => [key as string, value as ValueToWrite]);
}

function valueOf(value: boolean | number | string | Uint8Array): ValueToWrite {
  if (typeof value === "boolean") return { type: "bool", value };
  if (typeof value === "number") return { type: "u32", value };
  if (typeof value === "string") return { type: "string", value };
  return { type: "array", of: "u8", value };
}

/** The tokenizer of a made-up vocabulary. */
export async function madeTokenizer(made: MadeVocabulary): Promise<Tokenizer> {
  return loadTokenizer(await openWritten({ metadata: madeMetadata(made) }));
}

const loaded = new Map<string, Promise<Tokenizer>>();

/** The tokenizer of a packed vocabulary, with pairs replaced; the same one each time. */
export function fixtureTokenizer(
  name: VocabularyName,
  pairs: Readonly<Record<string, boolean | number | string>> = {},
): Promise<Tokenizer> {
  const key = JSON.stringify([name, pairs]);
  const tokenizer = loaded.get(key) ?? loadFixture(name, pairs);
  loaded.set(key, tokenizer);
  return tokenizer;
}

async function loadFixture(
  name: VocabularyName,
  pairs: Readonly<Record<string, boolean | number | string>>,
): Promise<Tokenizer> {
  const file = await vocabulary(name);
  const metadata = new Map(file.metadata);
  for (const [key, value] of Object.entries(pairs)) metadata.set(`tokenizer.ggml.${key}`, value);
  return loadTokenizer({ ...file, metadata });
}
