/**
 * The reference executor: the numeric class in plain TypeScript, slow and without WASM.
 *
 * It is written from docs/NUMERIC_CLASS.md alone and exists so that the WASM executor's digests
 * are not taken from the code that they test. It holds all weights expanded; small models only.
 */
import { Blake3 } from "../../hot/mod.ts";
import type { ByteSource, GgufFile, ModelShape } from "../../model/mod.ts";
import {
  checkedContext,
  checkedLayers,
  checkedRows,
  checkForward,
  checkTokens,
} from "../_checks.ts";
import {
  headTensor,
  layerMatrices,
  layerNorms,
  layerTensor,
  refuseUnusedTensors,
} from "../_tensors.ts";
import { EngineError } from "../errors.ts";
import type { Batch, Executor, ExecutorDigests, LayerRange, Session } from "../face.ts";
import { numericClass, tilePositions } from "../numeric_class.ts";
import { hashTokenBlocks } from "../token_blocks.ts";
import { add, attend, gate, norm, rotate } from "./_operations.ts";
import { multiply } from "./_products.ts";
import { ReferenceSession } from "./_session.ts";
import { dequantisedRow, type Matrix, readMatrix, readVector } from "./_weights.ts";

/** What to load; the same fields as `loadExecutor` where both have them. */
export interface ReferenceOptions {
  readonly file: GgufFile;
  readonly source: ByteSource;
  readonly shape: ModelShape;
  /** @default the model's */
  readonly contextMax?: number;
  /** @default all */
  readonly layers?: LayerRange;
}

interface Layer {
  readonly matrices: Record<(typeof layerMatrices)[number], Matrix>;
  readonly norms: Record<(typeof layerNorms)[number], Float32Array>;
}

/**
 * Loads a model into the reference executor.
 *
 * @throws {EngineError} when a tensor is missing, cut short, not finite or of another type
 * @throws {RangeError} when `contextMax` or `layers` is out of range
 */
export async function createReferenceExecutor(options: ReferenceOptions): Promise<Executor> {
  const { file, source, shape } = options;
  const contextMax = checkedContext(options.contextMax, shape);
  const layers = checkedLayers(options.layers, shape);
  refuseUnusedTensors(file, layers);
  const loaded: Layer[] = [];
  for (let layer = layers.from; layer < layers.to; layer++) {
    loaded.push(await readLayer(file, source, layer));
  }
  return new ReferenceExecutor({
    shape,
    contextMax,
    layers,
    loaded,
    embedding: await readMatrix(file, source, "token_embd.weight"),
    headNorm: await readVector(file, source, "output_norm.weight"),
    headMatrix: await readMatrix(file, source, headTensor(shape.tiedOutput)),
  });
}

async function readLayer(file: GgufFile, source: ByteSource, layer: number): Promise<Layer> {
  const matrices: [string, Matrix][] = [];
  for (const part of layerMatrices) {
    matrices.push([part, await readMatrix(file, source, layerTensor(layer, part))]);
  }
  const norms: [string, Float32Array][] = [];
  for (const part of layerNorms) {
    norms.push([part, await readVector(file, source, layerTensor(layer, part))]);
  }
  return {
    matrices: Object.fromEntries(matrices) as Layer["matrices"],
    norms: Object.fromEntries(norms) as Layer["norms"],
  };
}

interface Parts {
  readonly shape: ModelShape;
  readonly contextMax: number;
  readonly layers: LayerRange;
  readonly loaded: readonly Layer[];
  readonly embedding: Matrix;
  readonly headNorm: Float32Array;
  readonly headMatrix: Matrix;
}

class ReferenceExecutor implements Executor {
  readonly shape: ModelShape;
  readonly numericClass = numericClass;
  readonly contextMax: number;
  readonly layers: LayerRange;
  readonly digests: ExecutorDigests;
  readonly #parts: Parts;
  #closed = false;

  constructor(parts: Parts) {
    this.shape = parts.shape;
    this.contextMax = parts.contextMax;
    this.layers = parts.layers;
    this.#parts = parts;
    this.digests = {
      forward: async ({ layers, batch, hidden, signal }) => {
        const result = await this.forward(layers, batch, hidden, signal);
        return { hidden: result, digests: digestRows(result, this.shape.width) };
      },
      tokenBlocks: (tokens, options) => hashTokenBlocks(tokens, options),
    };
  }

  openSession(): Session {
    this.#assertOpen();
    return new ReferenceSession(this.layers);
  }

  embed(tokens: Uint32Array): Promise<Float32Array> {
    return this.#settle(() => {
      checkTokens(tokens, this.shape.vocabularySize);
      return concatenate(
        Array.from(tokens, (token) => dequantisedRow(this.#parts.embedding, token)),
      );
    });
  }

  // tidy: allow positional-parameters as the face has them
  forward(
    layers: LayerRange,
    batch: Batch,
    hidden: Float32Array,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    return this.#settle(() => {
      signal?.throwIfAborted();
      const entries = batch.map((entry) => {
        const session = ReferenceSession.of(entry.session);
        return { ...entry, session, counts: session.counts };
      });
      const { shape, contextMax } = this;
      checkForward({ shape, contextMax, held: this.layers, layers, entries, hidden });
      const rows: Float32Array[] = [];
      for (const entry of entries) {
        for (let i = 0; i < entry.positionCount; i++) {
          const from = rows.length * shape.width;
          rows.push(hidden.slice(from, from + shape.width));
        }
      }
      for (let layer = layers.from; layer < layers.to; layer++) {
        let row = 0;
        for (const { session, firstPosition, positionCount } of entries) {
          for (let i = 0; i < positionCount; i++, row++) {
            rows[row] = this.#layer(session, {
              layer,
              position: firstPosition + i,
              h: rows[row] ?? new Float32Array(),
            });
          }
        }
      }
      for (const { session, firstPosition, positionCount } of entries) {
        session.counts.set(layers, firstPosition + positionCount);
      }
      return concatenate(rows);
    });
  }

  head(hidden: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
    return this.#settle(() => {
      signal?.throwIfAborted();
      const { width, normEpsilon } = this.shape;
      const { headNorm, headMatrix } = this.#parts;
      const rows = Array.from({ length: checkedRows(hidden, width) }, (_, row) => {
        const x = hidden.subarray(row * width, (row + 1) * width);
        return multiply(headMatrix, norm(x, headNorm, normEpsilon));
      });
      return assertFinite(concatenate(rows));
    });
  }

  pages(): { readonly used: number; readonly total: number; readonly pageBytes: number } {
    const { kvHeadCount, headWidth } = this.shape;
    const count = this.layers.to - this.layers.from;
    // No pages here: sessions grow on the heap.
    return { used: 0, total: 0, pageBytes: count * tilePositions * kvHeadCount * headWidth * 8 };
  }

  close(): void {
    this.#closed = true;
  }

  #layer(
    session: ReferenceSession,
    at: { layer: number; position: number; h: Float32Array },
  ): Float32Array {
    const { layer, position, h } = at;
    const { headCount, kvHeadCount, headWidth, ropeWidth, normEpsilon, family } = this.shape;
    const ropeBase = family.ropes[0]?.base ?? NaN;
    const loaded = this.#parts.loaded[layer - this.layers.from];
    if (loaded === undefined) throw new RangeError(`Cannot run layer ${layer} as it is not held`);
    const { matrices, norms } = loaded;
    const a = norm(h, norms.attn_norm, normEpsilon);
    const q = multiply(matrices.attn_q, a);
    const k = multiply(matrices.attn_k, a);
    rotate(q, { position, headWidth, ropeWidth, ropeBase });
    rotate(k, { position, headWidth, ropeWidth, ropeBase });
    session.write(layer, position, { key: k, value: multiply(matrices.attn_v, a) });
    const { keys, values } = session.read(layer, position + 1);
    const output = new Float32Array(headCount * headWidth);
    for (let head = 0; head < headCount; head++) {
      const from = Math.floor(head / (headCount / kvHeadCount)) * headWidth;
      const query = q.subarray(head * headWidth, (head + 1) * headWidth);
      output.set(attend(query, keys, values, from), head * headWidth);
    }
    const middle = add(h, multiply(matrices.attn_output, output));
    const b = norm(middle, norms.ffn_norm, normEpsilon);
    const f = gate(multiply(matrices.ffn_gate, b), multiply(matrices.ffn_up, b));
    return assertFinite(add(middle, multiply(matrices.ffn_down, f)), layer);
  }

  #settle<T>(compute: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#assertOpen();
      resolve(compute());
    });
  }

  #assertOpen(): void {
    if (this.#closed) {
      throw new EngineError({
        code: "closed",
        message: "Cannot use the executor as it was closed",
      });
    }
  }
}

function assertFinite(values: Float32Array, layer?: number): Float32Array {
  if (values.every(Number.isFinite)) return values;
  const where = layer === undefined ? "the head" : `layer ${layer}`;
  throw new EngineError({
    code: "not-a-number",
    ...(layer === undefined ? {} : { layer }),
    message: `Cannot go on as the result of ${where} must be finite: it holds NaN or infinity`,
  });
}

/** BLAKE3 of each row, from its little-endian bytes. */
function digestRows(values: Float32Array, width: number): Uint8Array {
  const blake3 = new Blake3({ kernel: "plain" });
  const digests = new Uint8Array((values.length / width) * 32);
  const view = new DataView(new ArrayBuffer(width * 4));
  for (let row = 0; row * width < values.length; row++) {
    for (let i = 0; i < width; i++) view.setFloat32(i * 4, values[row * width + i] ?? 0, true);
    blake3.hashInto(new Uint8Array(view.buffer), digests, row * 32);
  }
  return digests;
}

function concatenate(rows: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    result.set(row, at);
    at += row.length;
  }
  return result;
}
