/**
 * One pass of rows through layers and head, as a sequence of kernel calls.
 *
 * Between two calls nothing is in flight, so the pass can rest (let the event loop run) and stop
 * there. Rows pass in chunks of `chunkRowsMax`; by the numeric class neither chunk nor slice shows
 * in a result.
 */
import type { ModelShape } from "../model/mod.ts";
import { isQuantised } from "./_kinds.ts";
import {
  headRowsMax,
  type Layout,
  type PackedLayer,
  type PackedMatrix,
  valueWidthOf,
} from "./_layout.ts";
import type { Kernels } from "./_module.ts";
import type { Pace } from "./_pace.ts";
import type { PagedSession } from "./_session.ts";
import { EngineError } from "./errors.ts";

/** One row of a chunk. */
export interface Row {
  readonly session: PagedSession;
  readonly position: number;
}

/** What a pass works with. */
export interface PassOptions {
  readonly shape: ModelShape;
  readonly layout: Layout;
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
  readonly pace: Pace;
  /** Throws when the call is to stop; asked after every rest. */
  readonly assertGoing: () => void;
}

/** A product to compute: where its result goes. */
interface Product {
  readonly matrix: PackedMatrix;
  readonly y: number;
  readonly yStride: number;
  /** Adds to `y` instead of replacing it. */
  readonly add?: boolean;
}

/** Activations in memory. */
interface Input {
  readonly x: number;
  readonly xStride: number;
  readonly rows: number;
}

/** Runs chunks of rows through layers, and through the head. */
export class Pass {
  readonly #options: PassOptions;

  constructor(options: PassOptions) {
    this.#options = options;
  }

  /** Puts rows of the hidden state into memory. */
  writeHidden(hidden: Float32Array): void {
    const { shape, layout: { scratch } } = this.#options;
    for (let row = 0; row * shape.width < hidden.length; row++) {
      const at = this.#floats(scratch.xPtr + row * scratch.xStride, shape.width);
      at.set(hidden.subarray(row * shape.width, (row + 1) * shape.width));
    }
  }

  /** Reads the hidden state's rows into `into`. */
  readHidden(into: Float32Array): void {
    const { shape, layout: { scratch } } = this.#options;
    for (let row = 0; row * shape.width < into.length; row++) {
      into.set(
        this.#floats(scratch.xPtr + row * scratch.xStride, shape.width),
        row * shape.width,
      );
    }
  }

  /** Digests the hidden state's first rows where they are, 32 B each, into `into`. */
  digestHidden(into: Uint8Array): void {
    const { shape, layout: { scratch }, kernels, memory } = this.#options;
    const { xPtr, xStride, digestPtr, digestsPtr } = scratch;
    kernels.digestRows(xPtr, xStride, into.length / 32, shape.width * 4, digestPtr, digestsPtr);
    into.set(new Uint8Array(memory.buffer, digestsPtr, into.length));
  }

  /** Writes the rotations of the rows' positions, which all layers share. */
  rotations(rows: readonly Row[]): void {
    const { shape, layout: { scratch }, kernels } = this.#options;
    rows.forEach(({ position }, row) => {
      const at = scratch.pairsPtr + row * scratch.pairsStride;
      kernels.rotationOfBase(at, position, shape.ropeWidth, shape.family.ropes[0]?.base ?? NaN);
    });
  }

  /**
   * One layer (section 5 of the numeric class) over the rows in memory.
   *
   * @param index the layer's index among the local ones
   * @throws {EngineError} "not-a-number" with the layer's number
   */
  async layer(index: number, number: number, rows: readonly Row[]): Promise<void> {
    const { layout, kernels, shape } = this.#options;
    const { scratch } = layout;
    const layer = layout.layers[index];
    if (layer === undefined) throw new RangeError(`Cannot run layer ${number} as it is not held`);
    const count = rows.length;
    await this.#attention(layer, index, rows);
    this.#norm(layer.norms.ffn_norm.ptr, count);
    const { gPtr, uPtr, ffnStride, xPtr, xStride } = scratch;
    await this.#multiply({ x: scratch.aPtr, xStride, rows: count }, [
      { matrix: layer.matrices.ffn_gate, y: gPtr, yStride: ffnStride },
      { matrix: layer.matrices.ffn_up, y: uPtr, yStride: ffnStride },
    ]);
    kernels.gate(gPtr, uPtr, (count * ffnStride) / 4);
    await this.#multiply({ x: gPtr, xStride: ffnStride, rows: count }, [
      { matrix: layer.matrices.ffn_down, y: xPtr, yStride: xStride, add: true },
    ]);
    for (let row = 0; row < count; row++) {
      if (kernels.allFinite(xPtr + row * xStride, shape.width) === 0) throw notANumber(number);
    }
  }

  /** The head over `count` rows in memory, at most `headRowsMax`; writes the logits to `into`. */
  async head(count: number, into: Float32Array): Promise<void> {
    const { layout, kernels, shape } = this.#options;
    const { scratch, headNorm, headMatrix } = layout;
    if (headNorm === undefined || headMatrix === undefined || count > headRowsMax) {
      throw new RangeError(`Cannot run the head on ${count} rows as it is not held`);
    }
    this.#norm(headNorm.ptr, count);
    const { aPtr, xStride, logitsPtr, logitsStride } = scratch;
    await this.#multiply({ x: aPtr, xStride, rows: count }, [
      { matrix: headMatrix, y: logitsPtr, yStride: logitsStride },
    ]);
    for (let row = 0; row < count; row++) {
      const ptr = logitsPtr + row * logitsStride;
      if (kernels.allFinite(ptr, shape.vocabularySize) === 0) throw notANumber(undefined);
      into.set(this.#floats(ptr, shape.vocabularySize), row * shape.vocabularySize);
    }
  }

  async #attention(layer: PackedLayer, index: number, rows: readonly Row[]): Promise<void> {
    const { layout: { scratch, layerPageBytes }, kernels, shape } = this.#options;
    const { headCount, kvHeadCount, headWidth, ropeWidth } = shape;
    const { qPtr, kPtr, vPtr, qStride, kvStride, xPtr, xStride, aPtr, outPtr } = scratch;
    this.#norm(layer.norms.attn_norm.ptr, rows.length);
    await this.#multiply({ x: aPtr, xStride, rows: rows.length }, [
      { matrix: layer.matrices.attn_q, y: qPtr, yStride: qStride },
      { matrix: layer.matrices.attn_k, y: kPtr, yStride: kvStride },
      { matrix: layer.matrices.attn_v, y: vPtr, yStride: kvStride },
    ]);
    const valueWidth = valueWidthOf(headWidth);
    rows.forEach(({ session, position }, row) => {
      const pairs = scratch.pairsPtr + row * scratch.pairsStride;
      const key = kPtr + row * kvStride;
      kernels.rotate(qPtr + row * qStride, pairs, headCount, headWidth, ropeWidth, 0);
      kernels.rotate(key, pairs, kvHeadCount, headWidth, ropeWidth, 0);
      kernels.storeKeyValue(
        session.pagePtr(position) + index * layerPageBytes,
        position & 31,
        key,
        vPtr + row * kvStride,
        kvHeadCount,
        headWidth,
        valueWidth,
        0,
      );
    });
    for (let row = 0; row < rows.length; row++) await this.#attend(index, rows, row);
    await this.#multiply({ x: outPtr, xStride: qStride, rows: rows.length }, [
      { matrix: layer.matrices.attn_output, y: xPtr, yStride: xStride, add: true },
    ]);
  }

  async #attend(index: number, rows: readonly Row[], row: number): Promise<void> {
    const { layout: { scratch, layerPageBytes }, kernels, shape, memory } = this.#options;
    const { headCount, kvHeadCount, headWidth } = shape;
    const at = rows[row];
    if (at === undefined) return;
    if (rows[row - 1]?.session !== at.session) {
      // The table reaches to the session's last row of the chunk.
      const last = rows.findLast(({ session }) => session === at.session) ?? at;
      const pointers = at.session.pagePtrs(last.position);
      new Uint32Array(memory.buffer, scratch.tablePtr, pointers.length).set(pointers);
    }
    kernels.attendRow(
      scratch.qPtr + row * scratch.qStride,
      scratch.outPtr + row * scratch.qStride,
      scratch.tablePtr,
      index * layerPageBytes,
      at.position + 1,
      headCount,
      kvHeadCount,
      headWidth,
      valueWidthOf(headWidth),
      Math.fround(1 / Math.sqrt(headWidth)),
      scratch.scoresPtr,
    );
    await this.#spend(2 * (at.position + 1) * headCount * headWidth);
  }

  #norm(weightPtr: number, rows: number): void {
    const { layout: { scratch }, kernels, shape } = this.#options;
    const { xPtr, aPtr, xStride } = scratch;
    for (let row = 0; row < rows; row++) {
      const offset = row * xStride;
      kernels.norm(xPtr + offset, weightPtr, aPtr + offset, shape.width, shape.normEpsilon);
    }
  }

  /** All products of one input; it is quantised once, when one of the matrices asks for it. */
  async #multiply(input: Input, products: readonly Product[]): Promise<void> {
    const { layout: { scratch }, kernels } = this.#options;
    const { bytesPtr, wordsPtr, metaPtr } = scratch;
    const quantised = products.find(({ matrix }) => isQuantised(matrix.kind));
    if (quantised !== undefined) {
      const { columns } = quantised.matrix;
      for (let row = 0; row < input.rows; row++) {
        kernels.quantise(
          input.x + row * input.xStride,
          bytesPtr + row * columns,
          wordsPtr + row * columns * 2,
          metaPtr + (row * columns) / 2,
          columns,
        );
      }
    }
    for (const product of products) await this.#product(input, product);
  }

  async #product(input: Input, { matrix, y, yStride, add = false }: Product): Promise<void> {
    const { layout: { scratch }, kernels, pace } = this.#options;
    const groups = Math.ceil(matrix.rows / 8);
    const groupOperations = 8 * matrix.columns * input.rows;
    const step = Math.max(4, Math.floor(pace.sliceOperations / groupOperations) & ~3);
    for (let from = 0; from < groups; from += step) {
      const to = Math.min(from + step, groups);
      kernels.multiply(
        matrix.kind,
        y,
        yStride,
        matrix.ptr,
        matrix.columns,
        from,
        to,
        input.rows,
        Number(add),
        input.x,
        input.xStride,
        scratch.bytesPtr,
        scratch.wordsPtr,
        scratch.metaPtr,
      );
      await this.#spend((to - from) * groupOperations);
    }
  }

  async #spend(operations: number): Promise<void> {
    if (!this.#options.pace.spend(operations)) return;
    await this.#options.pace.rest();
    this.#options.assertGoing();
  }

  #floats(ptr: number, length: number): Float32Array {
    return new Float32Array(this.#options.memory.buffer, ptr, length);
  }
}

function notANumber(layer: number | undefined): EngineError {
  const where = layer === undefined ? "the head" : `layer ${layer}`;
  return new EngineError({
    code: "not-a-number",
    ...(layer === undefined ? {} : { layer }),
    message: `Cannot go on as the result of ${where} must be finite: it holds NaN or infinity`,
  });
}
