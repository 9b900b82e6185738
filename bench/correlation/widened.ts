/**
 * A model with the same weights as F32: what products give when nothing but weights is rounded.
 *
 * Both sides round activations to 8 bits before a product with a quantised matrix, each in its own
 * way. How far either is from this copy says whose rounding makes them differ.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dequantisedRow, readMatrix } from "../../src/engine/reference/weights.ts";
import { bytesSource, openGguf } from "../../src/model/mod.ts";
import type { GgufFile, TensorInfo } from "../../src/model/mod.ts";
import { valueToWrite } from "../models/cut_gguf.ts";
import { encodeGguf } from "../models/encode_gguf.ts";
import type { TensorToWrite } from "../models/encode_gguf.ts";

/** The id of F32 in a GGUF. */
const F32 = 0;

/** Writes the model at `path` to `out`, with every matrix as F32. */
export async function writeWidened(path: string, out: string): Promise<void> {
  const bytes = new Uint8Array(readFileSync(path));
  const file = await openGguf(bytesSource(bytes, path));
  const tensors: TensorToWrite[] = [];
  for (const tensor of file.tensors.values()) tensors.push(await widened(tensor, { file, bytes }));
  const metadata = [...file.metadata].map(([key, value]) =>
    [key, valueToWrite(key, key === "general.file_type" ? F32 : value)] as const
  );
  writeFileSync(out, encodeGguf({ metadata, tensors, alignmentBytes: file.alignmentBytes }));
}

async function widened(
  { name, shape, type, offset, sizeBytes }: TensorInfo,
  { file, bytes }: { readonly file: GgufFile; readonly bytes: Uint8Array },
): Promise<TensorToWrite> {
  if (type === "F32") {
    return { name, shape, typeId: F32, data: bytes.subarray(offset, offset + sizeBytes) };
  }
  const matrix = await readMatrix(file, bytesSource(bytes, file.name), name);
  const values = new Float32Array(matrix.rows * matrix.columns);
  for (let row = 0; row < matrix.rows; row++) {
    values.set(dequantisedRow(matrix, row), row * matrix.columns);
  }
  return { name, shape, typeId: F32, data: new Uint8Array(values.buffer) };
}
