/**
 * Which tensors the layers of a Llama model need, by GGUF's names.
 */
import { expectedTensors } from "../model/mod.ts";
import type { GgufFile, ModelShape, TensorInfo, TensorType } from "../model/mod.ts";
import { EngineError } from "./errors.ts";
import type { LayerRange } from "./face.ts";
import { numericClass } from "./numeric_class.ts";

/** Types of a matrix in this numeric class. */
export const matrixTypes = [
  "F32",
  "F16",
  "BF16",
  "Q8_0",
  "Q4_0",
  "Q4_1",
  "Q5_0",
  "Q5_1",
  "IQ4_NL",
  "Q2_K",
  "Q3_K",
  "Q4_K",
  "Q5_K",
  "Q6_K",
] as const;

/** A matrix type of this numeric class. */
export type MatrixType = (typeof matrixTypes)[number];

const vectorTypes: readonly TensorType[] = ["F32", "F16", "BF16"];

/**
 * Finds a matrix.
 *
 * @throws {EngineError} "missing-tensor", or "unsupported-type" naming tensor and type
 */
export function findMatrix(file: GgufFile, name: string): TensorInfo & { type: MatrixType } {
  const info = findTensor(file, name);
  const type = matrixTypes.find((each) => each === info.type);
  if (type === undefined) throw unsupportedType(info, matrixTypes);
  return { ...info, type };
}

/**
 * Finds a norm vector of `length` elements.
 *
 * @throws {EngineError} "missing-tensor" or "unsupported-type"
 */
export function findVector(file: GgufFile, name: string): TensorInfo {
  const info = findTensor(file, name);
  if (!vectorTypes.includes(info.type)) throw unsupportedType(info, vectorTypes);
  return info;
}

/**
 * Refuses a file with tensors that the family's arithmetic would ignore (experts, for example).
 *
 * @param use `layers` are those to be executed: what other layers hold is not asked
 * @throws {EngineError} "unsupported-tensor"
 */
export function refuseUnusedTensors(
  file: GgufFile,
  { layers, shape }: { readonly layers: LayerRange; readonly shape: ModelShape },
): void {
  const used = expectedTensors(shape);
  const hasFactors = shape.family.ropes.some(({ factorsTensor }) => factorsTensor !== undefined);
  for (const name of file.tensors.keys()) {
    if (used.has(name)) continue;
    // Of the factors for long and for short contexts, a model uses the one or the other.
    if (hasFactors && /^rope_factors_(long|short)\.weight$/.test(name)) continue;
    const layer = /^blk\.(\d+)\./.exec(name);
    if (layer !== null && !within(Number(layer[1]), layers)) continue;
    throw new EngineError({
      code: "unsupported-tensor",
      tensor: name,
      message: `Cannot execute "${file.name}" as ${numericClass} has no use for tensor "${name}"`,
    });
  }
}

function within(layer: number, layers: LayerRange): boolean {
  return layer >= layers.from && layer < layers.to;
}

function findTensor(file: GgufFile, name: string): TensorInfo {
  const info = file.tensors.get(name);
  if (info !== undefined) return info;
  throw new EngineError({
    code: "missing-tensor",
    tensor: name,
    message: `Cannot execute "${file.name}" as it has no tensor "${name}"`,
  });
}

function unsupportedType(info: TensorInfo, supported: readonly string[]): EngineError {
  return new EngineError({
    code: "unsupported-type",
    tensor: info.name,
    message: `Cannot execute tensor "${info.name}" as ${numericClass} has ${
      supported.join(", ")
    } there: its type is ${info.type}`,
  });
}
