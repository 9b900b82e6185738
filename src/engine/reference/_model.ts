/**
 * A model's weights in the reference executor: which tensors there are, by the family's places.
 */
import {
  embeddingNormPlace,
  headMatrixTensor,
  headNormPlace,
  layerMatricesOf,
  layerNormsOf,
  matrixPlace,
  normPlace,
} from "../../model/mod.ts";
import type {
  ByteSource,
  GgufFile,
  LayerMatrix,
  LayerNorm,
  MatrixPlace,
  ModelShape,
  NormPlace,
} from "../../model/mod.ts";
import type { LayerRange } from "../face.ts";
import { ropeFrequencies } from "../rope.ts";
import type { NormWeights } from "./_operations.ts";
import { add } from "./_operations.ts";
import { multiply } from "./products.ts";
import { readMatrix, readVector } from "./weights.ts";
import type { Matrix } from "./weights.ts";

/** One matrix of a layer: rows of a tensor, and a bias. */
export interface PlacedMatrix {
  readonly place: MatrixPlace;
  readonly tensor: Matrix;
  /** One value for each row of the tensor. */
  readonly bias: Float32Array | undefined;
}

/** One layer's weights; what the family does not have is absent. */
export interface ReferenceLayer {
  readonly matrices: ReadonlyMap<LayerMatrix, PlacedMatrix>;
  readonly norms: ReadonlyMap<LayerNorm, NormWeights>;
}

/** All that the executor holds of a model. */
export interface ReferenceModel {
  readonly layers: readonly ReferenceLayer[];
  readonly embedding: Matrix;
  readonly positions: Matrix | undefined;
  readonly tokenTypes: Matrix | undefined;
  readonly embeddingNorm: NormWeights | undefined;
  readonly headNorm: NormWeights | undefined;
  readonly headMatrix: Matrix | undefined;
  /** The family's tables of frequencies. */
  readonly frequencies: readonly Float64Array[];
}

/** What to read. */
export interface ModelFile {
  readonly file: GgufFile;
  readonly source: ByteSource;
  readonly shape: ModelShape;
}

/** Reads the layers' weights, the embedding and the head. @throws {EngineError} like `readMatrix` */
export async function readModel(model: ModelFile, held: LayerRange): Promise<ReferenceModel> {
  const { file, source, shape } = model;
  const layers: ReferenceLayer[] = [];
  for (let layer = held.from; layer < held.to; layer++) layers.push(await readLayer(model, layer));
  const matrix = (name: string): Promise<Matrix> => readMatrix(file, source, name);
  const head = headMatrixTensor(shape);
  const { family } = shape;
  return {
    layers,
    embedding: await matrix("token_embd.weight"),
    positions: family.positionRows === 0 ? undefined : await matrix("position_embd.weight"),
    tokenTypes: family.tokenTypeRows === 0 ? undefined : await matrix("token_types.weight"),
    embeddingNorm: await readNorm(model, embeddingNormPlace(shape)),
    headNorm: await readNorm(model, headNormPlace(shape)),
    headMatrix: head === undefined ? undefined : await matrix(head),
    frequencies: await readFrequencies(model),
  };
}

/** The product of a matrix of the layer, its bias added; fused tensors are computed whole. */
export function product(
  { matrices }: ReferenceLayer,
  options: { readonly matrix: LayerMatrix; readonly x: Float32Array },
): Float32Array {
  const placed = matrices.get(options.matrix);
  if (placed === undefined) {
    throw new RangeError(`Cannot multiply by ${options.matrix} as the family has no such matrix`);
  }
  const { place: { firstRow, rowCount }, tensor, bias } = placed;
  const whole = multiply(tensor, options.x);
  const biased = bias === undefined ? whole : add(whole, bias);
  return biased.slice(firstRow, firstRow + rowCount);
}

async function readLayer(model: ModelFile, layer: number): Promise<ReferenceLayer> {
  const { file, source, shape } = model;
  const tensors = new Map<string, Matrix>();
  const matrices = new Map<LayerMatrix, PlacedMatrix>();
  for (const matrix of layerMatricesOf(shape)) {
    const place = matrixPlace(shape, layer, matrix);
    const tensor = tensors.get(place.tensor) ?? await readMatrix(file, source, place.tensor);
    tensors.set(place.tensor, tensor);
    const bias = place.bias === undefined ? undefined : await readVector(file, source, place.bias);
    matrices.set(matrix, { place, tensor, bias });
  }
  const norms = new Map<LayerNorm, NormWeights>();
  for (const name of layerNormsOf(shape)) {
    const weights = await readNorm(model, normPlace(shape, layer, name));
    if (weights !== undefined) norms.set(name, weights);
  }
  return { matrices, norms };
}

async function readNorm(
  { file, source }: ModelFile,
  place: NormPlace | undefined,
): Promise<NormWeights | undefined> {
  if (place === undefined) return undefined;
  const weight = await readVector(file, source, place.weight);
  const bias = place.bias === undefined ? undefined : await readVector(file, source, place.bias);
  return { weight, bias };
}

async function readFrequencies({ file, source, shape }: ModelFile): Promise<Float64Array[]> {
  const tables: Float64Array[] = [];
  for (const rope of shape.family.ropes) {
    const factors = rope.factorsTensor === undefined
      ? undefined
      : await readVector(file, source, rope.factorsTensor);
    tables.push(ropeFrequencies(rope, { ropeWidth: shape.ropeWidth, factors }));
  }
  return tables;
}
