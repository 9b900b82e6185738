/**
 * Weights of the reference executor: read whole, converted by section 2 of the numeric class.
 */
import type { ByteSource, GgufFile, TensorInfo } from "../../model/mod.ts";
import { findMatrix, findVector } from "../_tensors.ts";
import { EngineError } from "../errors.ts";
import { decodeBlocks, isBlockType } from "./blocks.ts";
import type { Blocks } from "./blocks.ts";
import { bfloatToFloat, halfToFloat } from "./halves.ts";

/** A matrix of f32 values (F32, F16 and BF16 convert exactly). */
export interface PlainMatrix {
  readonly kind: "plain";
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** A matrix of blocks of 32 integers with scales. */
export interface BlockMatrix extends Blocks {
  readonly kind: "blocks";
  readonly rows: number;
  readonly columns: number;
}

/** A weight matrix, row after row. */
export type Matrix = PlainMatrix | BlockMatrix;

/** Reads a matrix. @throws {EngineError} "unsupported-type", "short-read", "not-a-number", ... */
export async function readMatrix(
  file: GgufFile,
  source: ByteSource,
  name: string,
): Promise<Matrix> {
  const info = findMatrix(file, name);
  const [columns = 0, rows = 1] = info.shape;
  const bytes = await readTensor(source, info);
  const { type } = info;
  if (isBlockType(type)) {
    const { integers, scales, factors, minima } = decodeBlocks(type, bytes);
    for (const scale of scales) finite(scale, info);
    for (const scale of minima?.scales ?? []) finite(scale, info);
    return { kind: "blocks", rows, columns, integers, scales, factors, minima };
  }
  return { kind: "plain", rows, columns, values: readPlain(info, bytes) };
}

/** Reads a norm vector. @throws {EngineError} like `readMatrix` */
export async function readVector(
  file: GgufFile,
  source: ByteSource,
  name: string,
): Promise<Float32Array> {
  const info = findVector(file, name);
  return readPlain(info, await readTensor(source, info));
}

/** The dequantised row of a matrix (section 2, "Embedding"). */
export function dequantisedRow(matrix: Matrix, row: number): Float32Array {
  const { columns } = matrix;
  const from = row * columns;
  if (matrix.kind === "plain") return matrix.values.slice(from, from + columns);
  return Float32Array.from({ length: columns }, (_, i) => element(matrix, from + i));
}

/** Section 2.2. */
function element({ integers, scales, factors, minima }: Blocks, at: number): number {
  const { fround } = Math;
  const block = at >> 5;
  const half = at >> 4;
  const e = fround(
    fround((scales[block] ?? NaN) * (factors[half] ?? NaN)) * (integers[at] ?? NaN),
  );
  if (minima === undefined) return e;
  return fround(e + fround((minima.scales[block] ?? NaN) * (minima.factors[half] ?? NaN)));
}

async function readTensor(source: ByteSource, info: TensorInfo): Promise<DataView> {
  const bytes = new Uint8Array(info.sizeBytes);
  let done = 0;
  while (done < bytes.length) {
    const count = await source.read(bytes.subarray(done), info.offset + done);
    if (count === 0) {
      throw new EngineError({
        code: "short-read",
        tensor: info.name,
        message: `Cannot read tensor "${info.name}" as "${source.name}" ends ${
          bytes.length - done
        } bytes early`,
      });
    }
    done += count;
  }
  return new DataView(bytes.buffer);
}

function readPlain(info: TensorInfo, bytes: DataView): Float32Array {
  const values = new Float32Array(info.shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < values.length; i++) {
    const value = info.type === "F32"
      ? bytes.getFloat32(i * 4, true)
      : info.type === "F16"
      ? halfToFloat(bytes.getUint16(i * 2, true))
      : bfloatToFloat(bytes.getUint16(i * 2, true));
    values[i] = finite(value, info);
  }
  return values;
}

function finite(value: number, info: TensorInfo): number {
  if (Number.isFinite(value)) return value;
  throw new EngineError({
    code: "not-a-number",
    tensor: info.name,
    message: `Cannot use tensor "${info.name}" as every weight must be finite: it holds ${value}`,
  });
}
