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
import { refuseUnusedTensors } from "../_tensors.ts";
import { EngineError } from "../errors.ts";
import type {
  Batch,
  ExecutorDigests,
  LayerRange,
  ModelExecutor,
  PrefixCounters,
  Session,
  SessionOptions,
  StepEntry,
} from "../face.ts";
import { numericClassOf, tilePositions } from "../numeric_class.ts";
import type { KeyValueType } from "../numeric_class.ts";
import { pool } from "../pooling.ts";
import { hashTokenBlocks } from "../token_blocks.ts";
import { assertFinite, runLayer } from "./_layer.ts";
import { readModel } from "./_model.ts";
import type { ReferenceModel } from "./_model.ts";
import { add, capped, norm } from "./_operations.ts";
import { multiply } from "./products.ts";
import { ReferenceSession } from "./_session.ts";
import { dequantisedRow } from "./weights.ts";
import type { Matrix } from "./weights.ts";

/** What to load; the same fields as `loadExecutor` where both have them. */
export interface ReferenceOptions {
  readonly file: GgufFile;
  readonly source: ByteSource;
  readonly shape: ModelShape;
  /** @default the model's */
  readonly contextMax?: number;
  /** @default all */
  readonly layers?: LayerRange;
  /** How keys and values are stored: f16 is a numeric class of its own. @default "f32" */
  readonly keyValueType?: KeyValueType;
}

/**
 * Loads a model into the reference executor.
 *
 * @throws {EngineError} when a tensor is missing, cut short, not finite or of another type
 * @throws {RangeError} when `contextMax` or `layers` is out of range
 */
export async function createReferenceExecutor(options: ReferenceOptions): Promise<ModelExecutor> {
  const { file, source, shape, keyValueType = "f32" } = options;
  const contextMax = checkedContext(options.contextMax, shape);
  const layers = checkedLayers(options.layers, shape);
  refuseUnusedTensors(file, { layers, shape });
  const model = await readModel({ file, source, shape }, layers);
  return new ReferenceExecutor({ shape, contextMax, layers, model, keyValueType });
}

interface Parts {
  readonly shape: ModelShape;
  readonly contextMax: number;
  readonly layers: LayerRange;
  readonly model: ReferenceModel;
  readonly keyValueType: KeyValueType;
}

class ReferenceExecutor implements ModelExecutor {
  readonly shape: ModelShape;
  readonly numericClass: string;
  readonly contextMax: number;
  readonly layers: LayerRange;
  readonly threadCount = 1;
  readonly closed: Promise<undefined>;
  readonly digests: ExecutorDigests;
  readonly #parts: Parts;
  #closed = false;
  readonly #ended = Promise.withResolvers<undefined>();

  constructor(parts: Parts) {
    this.shape = parts.shape;
    this.numericClass = numericClassOf(parts.keyValueType);
    this.contextMax = parts.contextMax;
    this.layers = parts.layers;
    this.#parts = parts;
    this.closed = this.#ended.promise;
    this.digests = {
      forward: async ({ layers, batch, hidden, signal }) => {
        const result = await this.forward(layers, batch, hidden, signal);
        return { hidden: result, digests: digestRows(result, this.shape.width) };
      },
      tokenBlocks: (tokens, options) => hashTokenBlocks(tokens, options),
    };
  }

  openSession({ layers = this.layers }: SessionOptions = {}): Session {
    this.#assertOpen();
    return new ReferenceSession(layers);
  }

  embed(tokens: Uint32Array): Promise<Float32Array> {
    return this.#settle(() => {
      checkTokens(tokens, this.shape.vocabularySize);
      return concatenate(Array.from(tokens, (token, position) => this.#embedding(token, position)));
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
      const results: Float32Array[] = [];
      let at = 0;
      for (const { session, firstPosition, positionCount } of entries) {
        const rows = Array.from({ length: positionCount }, () => {
          return hidden.slice(at, at += shape.width);
        });
        results.push(...this.#run(layers, rows, { session, firstPosition }));
      }
      for (const { session, firstPosition, positionCount } of entries) {
        session.counts.set(layers, firstPosition + positionCount);
      }
      return concatenate(results);
    });
  }

  head(hidden: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
    return this.#settle(() => {
      signal?.throwIfAborted();
      const { width, normEpsilon, family } = this.shape;
      const { headNorm, headMatrix } = this.#parts.model;
      if (headNorm === undefined || headMatrix === undefined) throw notHeld("a head");
      const rows = Array.from({ length: checkedRows(hidden, width) }, (_, row) => {
        const x = hidden.subarray(row * width, (row + 1) * width);
        return multiply(headMatrix, norm(x, headNorm, normEpsilon));
      });
      const logits = assertFinite(concatenate(rows));
      return logits.map((logit) => capped(logit, family.logitCap));
    });
  }

  async step(entries: readonly StepEntry[], signal?: AbortSignal): Promise<Float32Array> {
    const rows: Float32Array[] = [];
    for (const { session, tokens, logits } of entries) {
      const entry = {
        session,
        firstPosition: session.positionCount,
        positionCount: tokens.length,
      };
      const hidden = await this.forward(this.layers, [entry], await this.embed(tokens), signal);
      if (logits === "all") rows.push(await this.head(hidden));
      if (logits === "last") rows.push(await this.head(hidden.slice(-this.shape.width)));
    }
    return concatenate(rows);
  }

  async encode(texts: readonly Uint32Array[], signal?: AbortSignal): Promise<Float32Array> {
    const { width, family: { pooling } } = this.shape;
    if (pooling === undefined) throw notHeld("a pooling");
    const embeddings: Float32Array[] = [];
    for (const tokens of texts) {
      const session = this.openSession();
      const entry = { session, firstPosition: 0, positionCount: tokens.length };
      const hidden = await this.forward(this.layers, [entry], await this.embed(tokens), signal);
      embeddings.push(pool(hidden, { width, pooling }));
    }
    return concatenate(embeddings);
  }

  prefixCounters(): PrefixCounters {
    return { hitPositions: 0, askedPositions: 0, heldPages: 0, evictedPages: 0 };
  }

  pages(): { readonly used: number; readonly total: number; readonly pageBytes: number } {
    const { kvHeadCount, headWidth } = this.shape;
    const count = this.layers.to - this.layers.from;
    // No pages here: sessions grow on the heap.
    return { used: 0, total: 0, pageBytes: count * tilePositions * kvHeadCount * headWidth * 8 };
  }

  close(): void {
    this.#closed = true;
    this.#ended.resolve(undefined);
  }

  /** The first hidden state of a token; the position tells only where the model learned it. */
  #embedding(token: number, position: number): Float32Array {
    const { embedding, positions, tokenTypes, embeddingNorm } = this.#parts.model;
    const { embeddingScale, positionRows } = this.shape.family;
    const row = dequantisedRow(embedding, token);
    let h = embeddingScale === 1 ? row : row.map((value) => Math.fround(value * embeddingScale));
    if (tokenTypes !== undefined) h = add(h, dequantisedRow(tokenTypes, 0));
    if (positions !== undefined) h = add(h, positionRow(positions, { position, positionRows }));
    return embeddingNorm === undefined ? h : norm(h, embeddingNorm, this.shape.normEpsilon);
  }

  // tidy: allow positional-parameters as the face has them
  #run(
    layers: LayerRange,
    rows: readonly Float32Array[],
    at: { readonly session: ReferenceSession; readonly firstPosition: number },
  ): readonly Float32Array[] {
    const { shape, model, keyValueType } = this.#parts;
    if (!shape.family.causal && at.firstPosition > 0) {
      throw new RangeError(
        `Cannot run an encoder from position ${at.firstPosition} as a text is computed at once`,
      );
    }
    let hidden = rows;
    for (let number = layers.from; number < layers.to; number++) {
      const weights = model.layers[number - this.layers.from];
      if (weights === undefined) throw notHeld(`layer ${number}`);
      hidden = runLayer(
        { shape, model, weights, number, ...at, half: keyValueType === "f16" },
        hidden,
      );
    }
    return hidden;
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

function positionRow(
  matrix: Matrix,
  { position, positionRows }: { readonly position: number; readonly positionRows: number },
): Float32Array {
  if (position < positionRows) return dequantisedRow(matrix, position);
  throw new EngineError({
    code: "context-full",
    message: `Cannot embed position ${position} as the model has learned ${positionRows}`,
  });
}

function notHeld(what: string): EngineError {
  return new EngineError({
    code: "not-held",
    message: `Cannot compute this as the executor must hold ${what}: it has none`,
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
