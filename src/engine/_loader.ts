/**
 * Fills an executor's memory from a byte source, in pieces of bounded length.
 *
 * Pieces are read in the file's order straight into the executor's memory, into two places in turn:
 * while the threads pack one piece the next is read, so that they find it when they are done. Memory
 * beyond the weights stays constant. Until the threads have been started the host packs too, a piece
 * at a time, rather than wait for them.
 */
import type { ByteSource, GgufFile } from "../model/mod.ts";
import { fileRowBytes, kindOf } from "./_kinds.ts";
import type { Layout, PackedMatrix, PackedVector } from "./_layout.ts";
import type { Kernels } from "./_module.ts";
import { writeRepack } from "./_program.ts";
import type { Threads } from "./_threads.ts";
import { EngineError } from "./errors.ts";

/** What to load, and whom to tell. */
export interface LoadOptions {
  readonly file: GgufFile;
  readonly source: ByteSource;
  readonly layout: Layout;
  /** The host's own instance, for vectors, and for matrices while threads are being started. */
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
  readonly threads: Threads;
  /** Called after every piece with the tensor bytes loaded and their total. */
  readonly onProgress: ((loadedBytes: number, totalBytes: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Bytes of the file that a layout takes. */
export function loadedBytesOf({ weights }: Layout): number {
  return weights.reduce((sum, weight) => sum + fileBytes(weight), 0);
}

/** Vectors that are read at a time: each is short, so that asking takes longer than reading. */
const vectorsAtOnce = 16;

/** Bytes of a value of a vector among the 8 of its group. */
const packedVectorBytes = 32;

/** Rows of a matrix that are read and packed together. */
interface Piece {
  readonly matrix: PackedMatrix;
  readonly row: number;
  readonly rows: number;
  /** Where it is in the file. */
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Reads and packs every weight of the layout.
 *
 * @throws {EngineError} "short-read", "thread-died", or "not-a-number" naming the tensor
 * @throws the signal's reason when it aborts
 */
export async function loadWeights(options: LoadOptions): Promise<void> {
  const loader = new Loader(options);
  await loader.matrices();
  await loader.vectors();
}

class Loader {
  readonly #options: LoadOptions;
  readonly #totalBytes: number;
  #loadedBytes = 0;
  /** Used where the source cannot read into shared memory. */
  #bounce: Uint8Array | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#totalBytes = loadedBytesOf(options.layout);
  }

  /** While a piece is packed the next is read, and then waits for the threads. */
  async matrices(): Promise<void> {
    const { layout } = this.#options;
    const pieces = piecesOf(layout);
    // Of each place: nothing is read there before this has ended.
    const packed = [Promise.resolve(), Promise.resolve()];
    let read = Promise.resolve();
    const begin = (i: number): void => {
      const piece = pieces[i];
      if (piece === undefined) return;
      read = (packed[i % 2] ?? read).then(() => this.#read(piece, placeOf(layout, i)));
      read.catch(() => {}); // it is awaited below
    };
    try {
      begin(0);
      for (const [i, piece] of pieces.entries()) {
        await read;
        begin(i + 1);
        const packing = this.#pack(piece, placeOf(layout, i));
        packing.catch(() => {}); // the next read there meets it, or the end
        packed[i % 2] = packing;
      }
      await Promise.all(packed);
    } finally {
      // All end before an error leaves, so that nothing writes to the memory afterwards.
      await Promise.allSettled([read, ...packed]);
    }
  }

  /** After the matrices, which have shown whether the source reads into shared memory. */
  async vectors(): Promise<void> {
    const atOnce = this.#bounce === undefined ? vectorsAtOnce : 1;
    for (const { reads, dst } of batchesOf(this.#options.layout, atOnce)) {
      const results = await Promise.allSettled(reads.map(({ vector, src }) => {
        const offset = vector.tensorOffset + vector.first * fileRowBytes(vector.type, 1);
        return this.#readBytes(vector.name, { offset, bytes: fileBytes(vector), src });
      }));
      for (const result of results) if (result.status === "rejected") throw result.reason;
      for (const { vector, src } of reads) this.#unpack(vector, { src, dst });
    }
  }

  /** A vector is packed like a matrix of one row and then read back as f32. */
  #unpack(
    vector: PackedVector,
    { src, dst }: { readonly src: number; readonly dst: number },
  ): void {
    const { kernels } = this.#options;
    const { name, ptr, length, type } = vector;
    const kind = kindOf(type, { relaxed: false, hardware: "neither", forced: undefined });
    if (kernels.repack(kind, dst, src, length, 1) > 0) throw notFinite(name);
    kernels.dequantiseRow(kind, ptr, dst, 0, length);
    this.#progress(fileBytes(vector));
  }

  #read({ matrix: { name }, offset, bytes }: Piece, src: number): Promise<void> {
    return this.#readBytes(name, { offset, bytes, src });
  }

  async #pack({ matrix, row, rows, bytes }: Piece, src: number): Promise<void> {
    const { threads, memory, kernels } = this.#options;
    const { kind, columns } = matrix;
    const dst = matrix.ptr + (row / 8) * matrix.groupBytes;
    let isBad: boolean;
    if (threads.isStarting) {
      await Promise.resolve(); // the next read begins first
      isBad = kernels.repack(kind, dst, src, columns, rows) > 0;
    } else {
      const number = threads.nextCommand;
      writeRepack(memory, { ...matrix, dst, src, rows, rowBytes: bytes / rows, number });
      isBad = (await threads.run()).bad === number;
    }
    if (isBad) throw notFinite(matrix.name);
    this.#progress(bytes);
  }

  async #readBytes(
    name: string,
    { offset, bytes, src }: { offset: number; bytes: number; src: number },
  ): Promise<void> {
    const { source, signal, memory } = this.#options;
    let done = 0;
    while (done < bytes) {
      signal?.throwIfAborted();
      const into = new Uint8Array(memory.buffer, src + done, bytes - done);
      const count = await this.#readInto(into, offset + done);
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
  }

  async #readInto(into: Uint8Array, position: number): Promise<number> {
    const { source, layout } = this.#options;
    if (this.#bounce === undefined) {
      try {
        return await source.read(into, position);
      } catch (thrown) {
        // Some systems read only into memory that is not shared.
        if (!(thrown instanceof TypeError)) throw thrown;
        this.#bounce = new Uint8Array(layout.stagingBytes / 2);
      }
    }
    const count = await source.read(this.#bounce.subarray(0, into.length), position);
    into.set(this.#bounce.subarray(0, count));
    return count;
  }

  #progress(bytes: number): void {
    this.#loadedBytes += bytes;
    this.#options.onProgress?.(this.#loadedBytes, this.#totalBytes);
  }
}

/** Where piece `i` is read to. */
function placeOf({ stagingPtr, stagingBytes }: Layout, i: number): number {
  return stagingPtr + (i % 2) * (stagingBytes / 2);
}

/** All matrices in pieces that fit half of the staging area, in the file's order. */
function piecesOf({ weights, stagingBytes }: Layout): Piece[] {
  const pieces = weights.flatMap((matrix): Piece[] => {
    if ("length" in matrix) return [];
    const rowBytes = fileRowBytes(matrix.type, matrix.columns);
    const rowsMax = 8 * Math.max(1, Math.floor(stagingBytes / 2 / (8 * rowBytes)));
    const first = matrix.tensorOffset + matrix.firstRow * rowBytes;
    return Array.from({ length: Math.ceil(matrix.rows / rowsMax) }, (_, i) => {
      const row = i * rowsMax;
      const rows = Math.min(rowsMax, matrix.rows - row);
      return { matrix, row, rows, offset: first + row * rowBytes, bytes: rows * rowBytes };
    });
  });
  return pieces.sort((a, b) => a.offset - b.offset);
}

/** Vectors that are read together, and behind them room to pack one. */
interface Batch {
  readonly reads: { readonly vector: PackedVector; readonly src: number }[];
  readonly dst: number;
}

/** All vectors in batches that fit the staging area, of at most `countMax`. */
function* batchesOf(layout: Layout, countMax: number): Generator<Batch> {
  const { stagingPtr, stagingBytes, weights } = layout;
  let batch: Batch = { reads: [], dst: stagingPtr };
  let longest = 0;
  for (const vector of weights) {
    if (!("length" in vector)) continue;
    longest = Math.max(longest, vector.length);
    const end = batch.dst + fileBytes(vector) + longest * packedVectorBytes;
    if (batch.reads.length === countMax || end > stagingPtr + stagingBytes) {
      yield batch;
      batch = { reads: [], dst: stagingPtr };
      longest = vector.length;
    }
    const { reads, dst: src } = batch;
    batch = { reads: [...reads, { vector, src }], dst: src + fileBytes(vector) };
  }
  yield batch;
}

function notFinite(tensor: string): EngineError {
  return new EngineError({
    code: "not-a-number",
    tensor,
    message: `Cannot use tensor "${tensor}" as every weight must be finite: some are not`,
  });
}

/** Bytes of a weight in the file. */
function fileBytes(weight: PackedMatrix | PackedVector): number {
  if ("length" in weight) return weight.length * fileRowBytes(weight.type, 1);
  return weight.rows * fileRowBytes(weight.type, weight.columns);
}
