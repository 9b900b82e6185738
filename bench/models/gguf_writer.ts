/**
 * Writes GGUF models of any shape, family and format with random weights, for benchmarks and for
 * tests that need a slow, a large or a peculiar model. They generate nonsense, but are valid files in
 * every byte.
 *
 *     deno run -A bench/models/gguf_writer.ts SIZE TYPE OUT.gguf [options]; see --help
 *
 * The same with `node`, 24 or later.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { expectedTensors, unusedTensors } from "../../src/model/mod.ts";
import type { GgufFile, ModelShape } from "../../src/model/mod.ts";
import { withChatTemplate } from "./chat_templates.ts";
import { encodeGgufHeader, paddedSize } from "./encode_gguf.ts";
import type { ValueToWrite } from "./encode_gguf.ts";
import { runWriter } from "./gguf_writer_options.ts";
import { fillBlocks, fillVector, typeForRows, WEIGHT_TYPES } from "./random_weights.ts";
import type { WeightType } from "./random_weights.ts";
import { ropeFactors } from "./rope_factors.ts";
import { SeededBits } from "./seeded_bits.ts";
import { shapeKeys, tokenTypeKeys } from "./shape_keys.ts";
import { syntheticVocabulary, syntheticWordPieces, vocabularyOf } from "./synthetic_vocabulary.ts";
import type { VocabularyToWrite } from "./synthetic_vocabulary.ts";

/** What to write. */
export interface RandomModel {
  readonly shape: ModelShape;
  /**
   * Type of the matrices; rows that do not fill its blocks have the one that llama.cpp's quantiser
   * falls back to. Vectors and learned positions are f32.
   */
  readonly type: WeightType;
  /** Equal seeds give equal files. */
  readonly seed: number;
  /** Replaced if it exists. */
  readonly path: string;
  /** Whose vocabulary to take; as many tokens as the shape says. @default a synthetic one */
  readonly tokenizer?: GgufFile;
  /** `general.name`. @default "random" */
  readonly name?: string;
  /** Metadata to add or replace. @default none */
  readonly extra?: readonly (readonly [key: string, value: ValueToWrite])[];
}

const ALIGNMENT_BYTES = 32;
const CHUNK_BYTES_MAX = 4 * 1024 * 1024;
/** The head's weights are larger, so that the logits have clear winners. */
const HEAD_DEVIATION = 3;
const BIAS_SPREAD = 0.3;
const NORM_SPREAD = 0.1;
/** `general.file_type` of llama.cpp, by the matrices' type. */
const FILE_TYPES: Readonly<Record<WeightType, number>> = {
  f32: 0,
  f16: 1,
  q4_0: 2,
  q4_1: 3,
  q8_0: 7,
  q5_0: 8,
  q5_1: 9,
  q2_k: 10,
  q3_k: 11,
  q4_k: 14,
  q5_k: 16,
  q6_k: 18,
  iq4_nl: 25,
  bf16: 32,
};

interface PlannedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: WeightType;
  readonly sizeBytes: number;
  readonly typeId: number;
}

/** What the bytes of a tensor depend on. */
interface Filling {
  readonly model: RandomModel;
  readonly bits: SeededBits;
  readonly vocabulary: VocabularyToWrite;
}

/**
 * Writes a model of random weights.
 *
 * The head's rows of the tokens that are not plain text (unknown, BOS, EOS, bytes) are zero, so that
 * greedy generation goes on until it is stopped; a head that is the embedding keeps them.
 *
 * @returns the file's length in bytes
 */
export function writeRandomModel(model: RandomModel): number {
  const vocabulary = chooseVocabulary(model);
  const tensors = tensorsOf(model.shape).map(([name, shape]) => plan(model.type, { name, shape }));
  const header = encodeGgufHeader({
    metadata: metadataOf(model, vocabulary),
    tensors,
    alignmentBytes: ALIGNMENT_BYTES,
  });
  const file = openSync(model.path, "w");
  try {
    let written = writeSync(file, header);
    const filling = { model, vocabulary, bits: new SeededBits(model.seed) };
    for (const tensor of tensors) written += writeTensor(file, tensor, filling);
    return written;
  } finally {
    closeSync(file);
  }
}

function chooseVocabulary({ shape, tokenizer }: RandomModel): VocabularyToWrite {
  if (tokenizer !== undefined) return withChatTemplate(vocabularyOf(tokenizer));
  return shape.family.pooling === undefined
    ? syntheticVocabulary(shape.vocabularySize)
    : syntheticWordPieces(shape.vocabularySize);
}

/** The tensors that the shape needs, and those that trained models of it have beside them. */
function tensorsOf(shape: ModelShape): (readonly [name: string, extents: readonly number[]])[] {
  const unused = unusedTensors(shape).map((name) => [name, [shape.ropeWidth / 2]] as const);
  return [...expectedTensors(shape), ...unused];
}

function metadataOf(
  model: RandomModel,
  vocabulary: VocabularyToWrite,
): (readonly [string, ValueToWrite])[] {
  const pairs = new Map<string, ValueToWrite>([
    ["general.name", { type: "string", value: model.name ?? "random" }],
    ["general.file_type", { type: "u32", value: FILE_TYPES[model.type] }],
    ["general.quantization_version", { type: "u32", value: 2 }],
    ...shapeKeys(model.shape),
    ...vocabulary.pairs,
    ...tokenTypeKeys(model.shape.family),
    ...model.extra ?? [],
  ]);
  return [...pairs];
}

function plan(
  matrixType: WeightType,
  tensor: { name: string; shape: readonly number[] },
): PlannedTensor {
  const { name, shape } = tensor;
  const isPlain = shape.length === 1 || /^(position_embd|token_types)\./.test(name);
  const type = isPlain ? "f32" : typeForRows(matrixType, shape[0] ?? 0);
  const layout = WEIGHT_TYPES[type];
  const elements = shape.reduce((all, extent) => all * extent, 1);
  const sizeBytes = elements / layout.elements * layout.sizeBytes;
  return { name, shape, type, sizeBytes, typeId: layout.id };
}

function writeTensor(file: number, tensor: PlannedTensor, filling: Filling): number {
  const { type, shape, sizeBytes } = tensor;
  const rowBytes = (shape[0] ?? 0) / WEIGHT_TYPES[type].elements * WEIGHT_TYPES[type].sizeBytes;
  const chunkRows = Math.max(1, Math.floor(CHUNK_BYTES_MAX / rowBytes));
  const rowCount = shape[1] ?? 1;
  let written = 0;
  for (let row = 0; row < rowCount; row += chunkRows) {
    const chunk = new Uint8Array(rowBytes * Math.min(chunkRows, rowCount - row));
    fill(chunk, tensor, filling);
    if (tensor.name === "output.weight") {
      for (let at = 0; at < chunk.length; at += rowBytes) {
        const isSpecial = filling.vocabulary.specials.has(row + at / rowBytes);
        if (isSpecial) chunk.fill(0, at, at + rowBytes);
      }
    }
    written += writeSync(file, chunk);
  }
  const padding = paddedSize(sizeBytes, ALIGNMENT_BYTES) - sizeBytes;
  return padding === 0 ? written : written + writeSync(file, new Uint8Array(padding));
}

function fill(chunk: Uint8Array, { name, type, shape }: PlannedTensor, filling: Filling): void {
  const { bits, model } = filling;
  if (name.startsWith("rope_")) {
    chunk.set(new Uint8Array(ropeFactors(name, model.shape).buffer));
  } else if (name.endsWith(".bias")) {
    fillVector(chunk, { bits, mean: 0, spread: BIAS_SPREAD });
  } else if (shape.length === 1) {
    fillVector(chunk, { bits, mean: 1, spread: NORM_SPREAD });
  } else {
    fillBlocks(chunk, { type, bits, deviation: deviationOf(name, shape, model.shape) });
  }
}

/**
 * Products over a row of n elements keep unit size with a deviation of 1 / sqrt(n). What a layer adds
 * to the hidden state is smaller the more layers there are, as in trained models: else errors of
 * rounding would grow with every layer.
 */
function deviationOf(name: string, extents: readonly number[], shape: ModelShape): number {
  const unit = 1 / Math.sqrt(extents[0] ?? 1);
  const isHead = name === "output.weight" ||
    name === "token_embd.weight" && shape.tiedOutput && shape.family.pooling === undefined;
  if (isHead) return HEAD_DEVIATION * unit;
  if (/^(token_embd|position_embd|token_types)\./.test(name)) return 1;
  const isAdded = /\.(attn_output|ffn_down)\./.test(name);
  return isAdded ? unit / Math.sqrt(2 * shape.layerCount) : unit;
}

if (import.meta.main) await runWriter(writeRandomModel);
