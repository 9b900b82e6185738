/**
 * Writes GGUF models of any size with random weights, for benchmarks and for tests that need a slow
 * or a large model. They generate nonsense, but are valid files in every byte.
 *
 *     deno run -A bench/models/gguf_writer.ts <15m|110m|1b> <f32|f16|bf16|q8_0|q4_0> OUT.gguf [SEED]
 *
 * The same with `node`, 24 or later.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import process from "node:process";
import { expectedTensors, type GgufFile, type ModelShape } from "../../src/model/mod.ts";
import { encodeGgufHeader, paddedSize, type ValueToWrite } from "./encode_gguf.ts";
import { isModelSize, presetShape } from "./presets.ts";
import {
  fillBlocks,
  fillNorms,
  SeededBits,
  WEIGHT_TYPES,
  type WeightType,
} from "./random_weights.ts";
import {
  syntheticVocabulary,
  vocabularyOf,
  type VocabularyToWrite,
} from "./synthetic_vocabulary.ts";

/** What to write. */
export interface RandomModel {
  readonly shape: ModelShape;
  /** Type of the matrices; rows that do not fill its blocks are f16, norms are f32. */
  readonly type: WeightType;
  /** Equal seeds give equal files. */
  readonly seed: number;
  /** Replaced if it exists. */
  readonly path: string;
  /** Whose vocabulary to take; as many tokens as the shape says. @default a synthetic one */
  readonly tokenizer?: GgufFile;
  /** `general.name`. @default "random" */
  readonly name?: string;
  /** Metadata to add, as a chat template. @default none */
  readonly extra?: readonly (readonly [key: string, value: ValueToWrite])[];
}

const ALIGNMENT_BYTES = 32;
const CHUNK_BYTES_MAX = 4 * 1024 * 1024;
/** The head's weights are larger, so that the logits have clear winners. */
const HEAD_DEVIATION = 3;
/** `general.file_type` of llama.cpp, by the matrices' type. */
const FILE_TYPES: Readonly<Record<WeightType, number>> = {
  f32: 0,
  f16: 1,
  bf16: 32,
  q8_0: 7,
  q4_0: 2,
};

interface PlannedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: WeightType;
  readonly sizeBytes: number;
  readonly typeId: number;
}

/**
 * Writes a model of random weights.
 *
 * The head's rows of the tokens that lead the vocabulary and are not plain text (unknown, BOS, EOS,
 * bytes) are zero, so that greedy generation goes on until it is stopped.
 *
 * @returns the file's length in bytes
 */
export function writeRandomModel(model: RandomModel): number {
  const { shape, tokenizer } = model;
  const vocabulary = tokenizer === undefined
    ? syntheticVocabulary(shape.vocabularySize)
    : vocabularyOf(tokenizer);
  const tensors = [...expectedTensors(shape)].map(([name, extents]) => {
    return plan(model.type, { name, shape: extents });
  });
  const header = encodeGgufHeader({
    metadata: [...shapePairs(model), ...vocabulary.pairs, ...model.extra ?? []],
    tensors,
    alignmentBytes: ALIGNMENT_BYTES,
  });
  const file = openSync(model.path, "w");
  try {
    let written = writeSync(file, header);
    const bits = new SeededBits(model.seed);
    for (const tensor of tensors) written += writeTensor(file, { tensor, bits, vocabulary });
    return written;
  } finally {
    closeSync(file);
  }
}

function plan(
  matrixType: WeightType,
  tensor: { name: string; shape: readonly number[] },
): PlannedTensor {
  const { name, shape } = tensor;
  const wanted = shape.length === 1 ? "f32" : matrixType;
  const row = shape[0] ?? 0;
  const type = row % WEIGHT_TYPES[wanted].elements === 0 ? wanted : "f16";
  const layout = WEIGHT_TYPES[type];
  const elements = shape.reduce((all, extent) => all * extent, 1);
  const sizeBytes = elements / layout.elements * layout.sizeBytes;
  return { name, shape, type, sizeBytes, typeId: layout.id };
}

function shapePairs(model: RandomModel): (readonly [string, ValueToWrite])[] {
  const { shape } = model;
  const counts: Readonly<Record<string, number>> = {
    "general.file_type": FILE_TYPES[model.type],
    "general.quantization_version": 2,
    "llama.block_count": shape.layerCount,
    "llama.context_length": shape.contextMax,
    "llama.embedding_length": shape.width,
    "llama.feed_forward_length": shape.ffnWidth,
    "llama.attention.head_count": shape.headCount,
    "llama.attention.head_count_kv": shape.kvHeadCount,
    "llama.attention.key_length": shape.headWidth,
    "llama.attention.value_length": shape.headWidth,
    "llama.rope.dimension_count": shape.ropeWidth,
    "llama.vocab_size": shape.vocabularySize,
  };
  return [
    ["general.architecture", { type: "string", value: shape.architecture }],
    ["general.name", { type: "string", value: model.name ?? "random" }],
    ...Object.entries(counts).map(([key, value]) => [key, { type: "u32", value }] as const),
    ["llama.attention.layer_norm_rms_epsilon", { type: "f32", value: shape.normEpsilon }],
    ["llama.rope.freq_base", { type: "f32", value: shape.family.ropes[0]?.base ?? 10_000 }],
  ];
}

function writeTensor(
  file: number,
  options: { tensor: PlannedTensor; bits: SeededBits; vocabulary: VocabularyToWrite },
): number {
  const { tensor, bits, vocabulary } = options;
  const { type, shape, sizeBytes } = tensor;
  const deviation = deviationOf(tensor);
  const rowBytes = (shape[0] ?? 0) / WEIGHT_TYPES[type].elements * WEIGHT_TYPES[type].sizeBytes;
  const zeroBytes = tensor.name === "output.weight" ? rowBytes * vocabulary.leadingSpecials : 0;
  const chunkBytes = Math.max(1, Math.floor(CHUNK_BYTES_MAX / rowBytes)) * rowBytes;
  let written = 0;
  while (written < sizeBytes) {
    const chunk = new Uint8Array(Math.min(chunkBytes, sizeBytes - written));
    if (shape.length === 1) fillNorms(chunk, bits);
    else fillBlocks(chunk, { type, bits, deviation });
    if (written < zeroBytes) chunk.fill(0, 0, zeroBytes - written);
    written += writeSync(file, chunk);
  }
  const padding = paddedSize(sizeBytes, ALIGNMENT_BYTES) - sizeBytes;
  return padding === 0 ? written : written + writeSync(file, new Uint8Array(padding));
}

/** Products over a row of n elements keep unit size with a deviation of 1 / sqrt(n). */
function deviationOf({ name, shape }: PlannedTensor): number {
  if (name === "token_embd.weight") return 1;
  const unit = 1 / Math.sqrt(shape[0] ?? 1);
  return name === "output.weight" ? HEAD_DEVIATION * unit : unit;
}

function isWeightType(text: string | undefined): text is WeightType {
  return text !== undefined && Object.hasOwn(WEIGHT_TYPES, text);
}

function main(): void {
  const [size, type, path, seed = "1"] = process.argv.slice(2);
  if (!isModelSize(size) || !isWeightType(type) || path === undefined || !/^\d+$/.test(seed)) {
    console.error("usage: gguf_writer.ts <15m|110m|1b> <f32|f16|bf16|q8_0|q4_0> OUT.gguf [SEED]");
    process.exitCode = 2;
    return;
  }
  const shape = presetShape(size);
  const name = `random-${size}`;
  const sizeBytes = writeRandomModel({ shape, type, seed: Number(seed), path, name });
  console.log(`${path}: ${sizeBytes} bytes`);
}

if (import.meta.main) main();
