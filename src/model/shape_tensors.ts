/**
 * Presence and exact extents of every tensor of a model, by its shape.
 */
import { quoteForMessage } from "./errors.ts";
import type { GgufFile } from "./gguf_types.ts";
import { modelError } from "./_keys.ts";
import type { ModelShape } from "./shape.ts";
import {
  embeddingNormPlace,
  headMatrixTensor,
  headNormPlace,
  layerMatricesOf,
  layerNormsOf,
  longAndShortFactors,
  matrixPlace,
  normPlace,
} from "./weight_places.ts";
import type { LayerNorm, NormPlace } from "./weight_places.ts";

/** What a tensor that is not ours would mean, by the part of its name that tells. */
const MEANINGS: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [/\.bias$/, "biases"],
  [/rope_freqs|rope_factors/, "scaled RoPE frequencies"],
  [/_exps?\b|_shexp|gate_inp/, "a mixture of experts"],
  [/attn_(q|k)_norm/, "normalised queries and keys"],
  [/^cls/, "a classifier"],
];

type Extents = readonly number[];

/**
 * Checks that the file holds exactly the tensors of `shape`.
 *
 * @throws {ModelError} `bad-shape` for a missing or misshapen tensor, `unsupported-feature` for one
 * that the arithmetic has no place for
 */
export function checkTensors(file: GgufFile, shape: ModelShape): void {
  const expected = expectedTensors(shape);
  const unused = unusedTensors(shape);
  for (const name of file.tensors.keys()) {
    if (expected.has(name) || unused.includes(name)) continue;
    const meaning = MEANINGS.find(([pattern]) => pattern.test(name))?.[1] ?? "something else";
    throw modelError(
      file,
      "unsupported-feature",
      `its tensor ${quoteForMessage(name)} means ${meaning}, which this release does not compute`,
    );
  }
  for (const [name, extents] of expected) {
    const info = file.tensors.get(name);
    if (info === undefined) throw modelError(file, "bad-shape", `it has no tensor '${name}'`);
    const current = info.shape.join(" x ");
    const wanted = extents.join(" x ");
    if (current !== wanted) {
      throw modelError(
        file,
        "bad-shape",
        `tensor '${name}' must have the shape ${wanted}: current shape is ${current}`,
      );
    }
  }
}

/**
 * Tensors that a file may hold although a model of this shape does not use them: the short factors
 * of a model with long ones, or the other way round.
 */
export function unusedTensors({ family }: ModelShape): readonly string[] {
  const used = new Set(family.ropes.map(({ factorsTensor }) => factorsTensor ?? ""));
  const others = longAndShortFactors.filter((name) => !used.has(name));
  return others.length === 1 ? others : [];
}

/** Name to extents, in ggml's order (row length first), of every tensor of a model of this shape. */
export function expectedTensors(shape: ModelShape): Map<string, Extents> {
  const { width, vocabularySize, family } = shape;
  const expected = new Map<string, Extents>();
  expected.set("token_embd.weight", [width, vocabularySize]);
  if (family.positionRows > 0) expected.set("position_embd.weight", [width, family.positionRows]);
  if (family.tokenTypeRows > 0) expected.set("token_types.weight", [width, family.tokenTypeRows]);
  addNorm(expected, embeddingNormPlace(shape));
  for (const { factorsTensor } of family.ropes) {
    if (factorsTensor !== undefined) expected.set(factorsTensor, [shape.ropeWidth / 2]);
  }
  for (let layer = 0; layer < shape.layerCount; layer++) addLayer(expected, shape, layer);
  addNorm(expected, headNormPlace(shape));
  if (headMatrixTensor(shape) === "output.weight") {
    expected.set("output.weight", [width, vocabularySize]);
  }
  return expected;
}

/** The layer's tensors: each half's leading norm, its matrices, then the norms that are left. */
function addLayer(expected: Map<string, Extents>, shape: ModelShape, layer: number): void {
  const norms = layerNormsOf(shape);
  const add = (norm: LayerNorm): void => addNorm(expected, normPlace(shape, layer, norm));
  const matrices = layerMatricesOf(shape);
  if (norms.includes("attn_norm")) add("attn_norm");
  addMatrices("attn");
  if (norms.includes("ffn_norm")) add("ffn_norm");
  addMatrices("ffn");
  for (const norm of norms) add(norm);

  function addMatrices(half: "attn" | "ffn"): void {
    const rows = new Map<string, number>();
    const biases = new Map<string, number>();
    for (const matrix of matrices.filter((name) => name.startsWith(half))) {
      const { tensor, rowCount, columnCount, bias } = matrixPlace(shape, layer, matrix);
      rows.set(tensor, (rows.get(tensor) ?? 0) + rowCount);
      expected.set(tensor, [columnCount, rows.get(tensor) ?? 0]);
      if (bias !== undefined) biases.set(bias, (biases.get(bias) ?? 0) + rowCount);
    }
    for (const [bias, length] of biases) expected.set(bias, [length]);
  }
}

function addNorm(expected: Map<string, Extents>, place: NormPlace | undefined): void {
  if (place === undefined) return;
  expected.set(place.weight, [place.length]);
  if (place.bias !== undefined) expected.set(place.bias, [place.length]);
}
