/**
 * Fills an executor's memory from a byte source, in pieces of bounded length.
 */
import type { ByteSource, GgufFile, TensorInfo } from "../model/mod.ts";
import { fileRowBytes, kindOf } from "./_kinds.ts";
import type { Layout, PackedMatrix, PackedVector } from "./_layout.ts";
import type { Kernels } from "./_module.ts";
import { findVector, type MatrixType } from "./_tensors.ts";
import { EngineError } from "./errors.ts";

/** What to load, and whom to tell. */
export interface LoadOptions {
  readonly file: GgufFile;
  readonly source: ByteSource;
  readonly layout: Layout;
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
  /** Called after every piece with the tensor bytes read and their total. */
  readonly onProgress: ((loadedBytes: number, totalBytes: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads and repacks every weight of the layout.
 *
 * @throws {EngineError} "short-read", or "not-a-number" naming the tensor
 * @throws the signal's reason when it aborts
 */
export async function loadWeights(options: LoadOptions): Promise<void> {
  const loader = new Loader(options);
  for (const weight of options.layout.weights) {
    if ("length" in weight) await loader.vector(weight);
    else await loader.matrix(weight);
  }
}

class Loader {
  readonly #options: LoadOptions;
  readonly #totalBytes: number;
  #loadedBytes = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#totalBytes = options.layout.weights.reduce(
      (sum, weight) => sum + fileBytes(weight, this.#info(weight.name)),
      0,
    );
  }

  async matrix(matrix: PackedMatrix): Promise<void> {
    const { kernels, layout } = this.#options;
    const rowBytes = fileRowBytes(matrix.type, matrix.columns);
    const pieceGroups = Math.max(1, Math.floor(layout.stagingBytes / (8 * rowBytes)));
    const { offset } = this.#info(matrix.name);
    const first = offset + matrix.firstRow * rowBytes;
    for (let row = 0; row < matrix.rows; row += pieceGroups * 8) {
      const rows = Math.min(pieceGroups * 8, matrix.rows - row);
      await this.#read(matrix.name, first + row * rowBytes, rows * rowBytes);
      const dst = matrix.ptr + (row / 8) * matrix.groupBytes;
      const { kind, columns } = matrix;
      this.#assertFinite(
        matrix.name,
        kernels.repack(kind, dst, layout.stagingPtr, columns, rows),
      );
    }
  }

  async vector(vector: PackedVector): Promise<void> {
    const { kernels, layout, file } = this.#options;
    const { type, offset } = findVector(file, vector.name);
    const src = layout.stagingPtr;
    const elementBytes = fileRowBytes(type as MatrixType, 1);
    await this.#read(
      vector.name,
      offset + vector.first * elementBytes,
      vector.length * elementBytes,
    );
    // A vector is packed like a matrix of one row and then read back as f32.
    const dst = src + vector.length * 4;
    const kind = kindOf(type as MatrixType, {
      relaxed: false,
      hardware: "neither",
      forced: undefined,
    });
    this.#assertFinite(vector.name, kernels.repack(kind, dst, src, vector.length, 1));
    kernels.dequantiseRow(kind, vector.ptr, dst, 0, vector.length);
  }

  #info(name: string): Pick<TensorInfo, "offset" | "type"> {
    return this.#options.file.tensors.get(name) ?? { offset: 0, type: "F32" };
  }

  async #read(name: string, offset: number, bytes: number): Promise<void> {
    const { memory, layout, source, signal, onProgress } = this.#options;
    signal?.throwIfAborted();
    let done = 0;
    while (done < bytes) {
      const into = new Uint8Array(memory.buffer, layout.stagingPtr + done, bytes - done);
      const count = await source.read(into, offset + done);
      if (count === 0) {
        throw new EngineError({
          code: "short-read",
          tensor: name,
          message: `Cannot read tensor "${name}" as "${source.name}" ends ${
            bytes - done
          } bytes too early`,
        });
      }
      done += count;
    }
    this.#loadedBytes += bytes;
    onProgress?.(this.#loadedBytes, this.#totalBytes);
  }

  #assertFinite(name: string, badCount: number): void {
    if (badCount === 0) return;
    throw new EngineError({
      code: "not-a-number",
      tensor: name,
      message: `Cannot use tensor "${name}" as every weight must be finite: ${badCount} are not`,
    });
  }
}

/** Bytes of a weight in the file. */
function fileBytes(
  weight: PackedMatrix | PackedVector,
  { type }: Pick<TensorInfo, "type">,
): number {
  if ("length" in weight) return weight.length * fileRowBytes(type as MatrixType, 1);
  return weight.rows * fileRowBytes(weight.type, weight.columns);
}
