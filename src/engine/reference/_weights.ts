/**
 * Weights of the reference executor: read whole, converted by section 2 of the numeric class.
 */
import type { ByteSource, GgufFile, TensorInfo } from "../../model/mod.ts";
import { findMatrix, findVector } from "../_tensors.ts";
import { EngineError } from "../errors.ts";

/** A matrix of f32 values (F32, F16 and BF16 convert exactly). */
export interface PlainMatrix {
  readonly kind: "plain";
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** A matrix of blocks of 32 integers with one scale each. */
export interface BlockMatrix {
  readonly kind: "blocks";
  readonly rows: number;
  readonly columns: number;
  readonly integers: Int8Array;
  readonly scales: Float32Array;
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
  if (info.type === "Q8_0" || info.type === "Q4_0") {
    return { rows, columns, ...readBlocks(info, bytes, rows * columns) };
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
  const { integers, scales } = matrix;
  return Float32Array.from({ length: columns }, (_, i) => {
    const at = from + i;
    return Math.fround((scales[at >> 5] ?? NaN) * (integers[at] ?? NaN));
  });
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

function readBlocks(
  info: TensorInfo,
  bytes: DataView,
  count: number,
): Pick<BlockMatrix, "kind" | "integers" | "scales"> {
  const integers = new Int8Array(count);
  const scales = new Float32Array(count / 32);
  const blockBytes = info.type === "Q8_0" ? 34 : 18;
  for (let block = 0; block < scales.length; block++) {
    const at = block * blockBytes;
    scales[block] = finite(halfToFloat(bytes.getUint16(at, true)), info);
    for (let i = 0; i < blockBytes - 2; i++) {
      const byte = bytes.getUint8(at + 2 + i);
      if (info.type === "Q8_0") {
        integers[block * 32 + i] = byte; // an Int8Array reads the byte as signed
      } else {
        integers[block * 32 + i] = (byte & 15) - 8;
        integers[block * 32 + 16 + i] = (byte >> 4) - 8;
      }
    }
  }
  return { kind: "blocks", integers, scales };
}

function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * (fraction / 16777216);
  return exponent >= 15
    ? sign * (1 + fraction / 1024) * (1 << (exponent - 15))
    : sign * (1 + fraction / 1024) / (1 << (15 - exponent));
}

function bfloatToFloat(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits << 16);
  return view.getFloat32(0);
}

function finite(value: number, info: TensorInfo): number {
  if (Number.isFinite(value)) return value;
  throw new EngineError({
    code: "not-a-number",
    tensor: info.name,
    message: `Cannot use tensor "${info.name}" as every weight must be finite: it holds ${value}`,
  });
}
