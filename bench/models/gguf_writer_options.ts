/**
 * The command line of the model writer.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { fileSource, openGguf } from "../../src/model/mod.ts";
import type { GgufFile } from "../../src/model/mod.ts";
import { realDisk } from "../../src/ports/mod.ts";
import { familyNames, isFamilyName } from "./family_shapes.ts";
import type { FamilyName, ModelExtents } from "./family_shapes.ts";
import type { RandomModel } from "./gguf_writer.ts";
import { isModelSize, presetShape } from "./presets.ts";
import type { ModelSize } from "./presets.ts";
import { isWeightType, WEIGHT_TYPES } from "./random_weights.ts";

const HELP = `Write a GGUF model with random weights.

  gguf_writer.ts SIZE TYPE OUT.gguf [SEED] [options]

SIZE       15m, 110m or 1b; or custom extents: layers=2,width=256,ffn=512,heads=4,kv=2,head=64
           (kv and head may be left out: as many as heads, and width / heads)
TYPE       ${Object.keys(WEIGHT_TYPES).join(", ")}
           (rows that do not fill its blocks get what llama.cpp's quantiser falls back to)

--family F         ${familyNames.join(", ")}
                   (default: llama)
--vocabulary V     synthetic, or a real one: qwen2, phi-3, gpt-2, falcon, mpt, bert-bge, or the path
                   of a GGUF file; qwen2 and phi-3 bring a chat template
                   (default: the family's own real one for qwen2, qwen3, phi3 and bert)
--tokens N         tokens of a synthetic vocabulary (default: 32000)
--context N        positions (default: 2048 for llama without options, else 32768; bert 512)
--tied             the head is the embedding
--seed N           (default: 1)
`;

const FAMILY_VOCABULARIES: Readonly<Partial<Record<FamilyName, string>>> = {
  qwen2: "qwen2",
  qwen3: "qwen2",
  phi3: "phi-3",
  "phi3-long": "phi-3",
  bert: "bert-bge",
  "bert-mean": "bert-bge",
};
const VOCABULARIES = ["qwen2", "phi-3", "gpt-2", "falcon", "mpt", "bert-bge"] as const;
const CONTEXT_PLAIN = 2048;
const CONTEXT_LONG = 32_768;
const CONTEXT_BERT = 512;
const CUSTOM_NAMES: Readonly<Record<string, keyof ModelExtents>> = {
  layers: "layerCount",
  width: "width",
  ffn: "ffnWidth",
  heads: "headCount",
  kv: "kvHeadCount",
  head: "headWidth",
};

/** What is wrong with the arguments, in a sentence. */
class UsageError extends Error {}

/** Parses the process's arguments and writes; the exit code is 2 for wrong ones. */
export async function runWriter(write: (model: RandomModel) => number): Promise<void> {
  try {
    const model = await parseWriterArguments(process.argv.slice(2));
    if (model === undefined) console.log(HELP);
    else console.log(`${model.path}: ${write(model)} bytes`);
  } catch (cause) {
    if (!(cause instanceof UsageError || cause instanceof TypeError)) throw cause;
    console.error(`${cause.message}\n\n${HELP}`);
    process.exitCode = 2;
  }
}

/**
 * The model that the arguments ask for, or undefined when they ask for help.
 *
 * @throws {UsageError | TypeError} for arguments that are not known or do not fit
 */
export async function parseWriterArguments(
  args: readonly string[],
): Promise<RandomModel | undefined> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      family: { type: "string", default: "llama" },
      vocabulary: { type: "string" },
      tokens: { type: "string", default: "32000" },
      context: { type: "string" },
      tied: { type: "boolean", default: false },
      seed: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const [size = "", type, path, seed = "1"] = positionals;
  const { family } = values;
  if (!isFamilyName(family)) throw new UsageError(`There is no family '${family}'`);
  if (!isWeightType(type)) throw new UsageError(`There is no type '${type ?? ""}'`);
  if (path === undefined) throw new UsageError("The path of the model to write is missing");
  const isPlain = family === "llama" && values.vocabulary === undefined;
  const contextDefault = family.startsWith("bert")
    ? CONTEXT_BERT
    : isPlain
    ? CONTEXT_PLAIN
    : CONTEXT_LONG;
  const tokenizer = await openVocabulary(
    values.vocabulary ?? FAMILY_VOCABULARIES[family] ?? "synthetic",
  );
  const shape = presetShape(sizeOf(size), {
    ...extentsOf(size),
    family,
    vocabularySize: tokenizer === undefined ? count(values.tokens) : tokenCount(tokenizer),
    contextMax: values.context === undefined ? contextDefault : count(values.context),
    tiedOutput: values.tied,
  });
  return {
    shape,
    type,
    path,
    seed: count(values.seed ?? seed),
    name: `random-${family}-${size.replaceAll(/[=,]/g, "-")}`,
    ...tokenizer === undefined ? {} : { tokenizer },
  };
}

/** The preset that custom extents change, all of them. */
function sizeOf(text: string): ModelSize {
  if (isModelSize(text)) return text;
  if (text.includes("=")) return "15m";
  throw new UsageError(`There is no size '${text}'`);
}

function extentsOf(text: string): Partial<ModelExtents> {
  if (isModelSize(text)) return {};
  const extents = new Map<keyof ModelExtents, number>();
  for (const part of text.split(",")) {
    const [name = "", value = ""] = part.split("=");
    const key = Object.hasOwn(CUSTOM_NAMES, name) ? CUSTOM_NAMES[name] : undefined;
    if (key === undefined) throw new UsageError(`There is no extent '${name}'`);
    extents.set(key, count(value));
  }
  const get = (name: keyof ModelExtents): number => {
    const value = extents.get(name);
    if (value === undefined) throw new UsageError(`The extents need a ${name}`);
    return value;
  };
  const width = get("width");
  const headCount = get("headCount");
  return {
    layerCount: get("layerCount"),
    width,
    ffnWidth: get("ffnWidth"),
    headCount,
    kvHeadCount: extents.get("kvHeadCount") ?? headCount,
    headWidth: extents.get("headWidth") ?? Math.floor(width / headCount),
  };
}

async function openVocabulary(name: string): Promise<GgufFile | undefined> {
  if (name === "synthetic") return undefined;
  const known = VOCABULARIES.find((each) => each === name);
  if (known !== undefined) {
    const { vocabulary } = await import("../../test/model/_vocabularies.ts");
    return await vocabulary(known);
  }
  const source = await fileSource(realDisk(), name);
  try {
    return await openGguf(source);
  } finally {
    await source.close();
  }
}

function tokenCount(file: GgufFile): number {
  const tokens = file.metadata.get("tokenizer.ggml.tokens");
  if (Array.isArray(tokens)) return tokens.length;
  throw new UsageError(`'${file.name}' has no tokens`);
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`'${text}' is not a count`);
  return Number(text);
}
