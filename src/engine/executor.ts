/**
 * The WASM executor: loads some layers of a model and computes them by the numeric class.
 *
 * One memory, one thread. It yields between slices of bounded work, so an aborted call stops
 * there; calls take turns. It does not sample, tokenise or schedule.
 */
import type { ByteSource, GgufFile, ModelShape } from "../model/mod.ts";
import { allocateMemory } from "./_allocate.ts";
import {
  checkedContext,
  checkedLayers,
  checkedRows,
  checkForward,
  checkTokens,
} from "./_checks.ts";
import type { ProbeMode } from "./_kinds.ts";
import { chunkRowsMax, drawLayout, headRowsMax, type Layout } from "./_layout.ts";
import { loadWeights } from "./_loader.ts";
import { type Build, instantiateKernels, type Kernels, probeKernels } from "./_module.ts";
import { Pace } from "./_pace.ts";
import { PagePool } from "./_pages.ts";
import { Pass, type Row } from "./_pass.ts";
import { PagedSession } from "./_session.ts";
import { refuseUnusedTensors } from "./_tensors.ts";
import { digestTokens } from "./_token_digests.ts";
import { Turns } from "./_turns.ts";
import { EngineError } from "./errors.ts";
import type { Batch, Executor, ExecutorDigests, LayerRange, Session } from "./face.ts";
import { numericClass } from "./numeric_class.ts";

/** What to load, and how. */
export interface LoadExecutorOptions {
  readonly file: GgufFile;
  /** Where the file's bytes are; read while loading only, and not closed. */
  readonly source: ByteSource;
  readonly shape: ModelShape;
  /** Positions that a session may have. @default the model's */
  readonly contextMax?: number;
  /** Layers to hold. @default all */
  readonly layers?: LayerRange;
  /** Whether to hold the embedding. @default true when layer 0 is held */
  readonly embedding?: boolean;
  /** Whether to hold the head. @default true when the last layer is held */
  readonly head?: boolean;
  /** Bytes of keys and values, all sessions together. @default four full contexts, or what fits */
  readonly kvBytesMax?: number;
  /** Forces the kernels of a probe answer, for tests; results do not differ. */
  readonly probe?: ProbeMode;
  /** Forces the build without relaxed SIMD, for tests. @default "best" */
  readonly build?: Build;
  /** Called while loading, in bytes of tensors. */
  readonly onProgress?: (loadedBytes: number, totalBytes: number) => void;
  /** Stops loading. */
  readonly signal?: AbortSignal;
  /**
   * Lets the event loop run; must resolve by a timer, as `clock.sleep(0)` does (on Deno anything
   * faster starves sockets), and must keep the process alive where nothing else does.
   *
   * @default a timer of the real clock
   */
  readonly yield?: () => Promise<void>;
  /** Multiply-adds between two yields. @default 2^27, some 20 ms */
  readonly sliceOperations?: number;
}

/**
 * Loads a model into a WASM executor; memory beyond the weights stays constant meanwhile.
 *
 * @throws {EngineError} "unsupported-type", "unsupported-tensor", "missing-tensor", "short-read",
 *   "not-a-number" (naming the tensor) or "no-memory" (with the bytes needed)
 * @throws {RangeError} when `contextMax`, `layers` or `kvBytesMax` is out of range
 * @throws the signal's reason when it aborts
 */
export async function loadExecutor(options: LoadExecutorOptions): Promise<Executor> {
  const { file, source, shape } = options;
  const contextMax = checkedContext(options.contextMax, shape);
  const layers = checkedLayers(options.layers, shape);
  refuseUnusedTensors(file, { layers, shape });
  const memoryOfProbe = new WebAssembly.Memory({ initial: 1 });
  const prober = instantiateKernels(memoryOfProbe, options.build);
  const layout = drawLayout({
    file,
    source,
    shape,
    contextMax,
    layers,
    embedding: options.embedding ?? layers.from === 0,
    head: options.head ?? layers.to === shape.layerCount,
    kvBytesMax: options.kvBytesMax,
    choice: {
      relaxed: prober.relaxed() === 1,
      hardware: probeKernels(prober),
      forced: options.probe,
    },
  });
  const memory = allocateMemory(layout, file.name);
  const kernels = instantiateKernels(memory, options.build);
  const pace = new Pace(options.sliceOperations, options.yield);
  const { onProgress, signal } = options;
  const rest = async (bytes: number): Promise<void> => {
    if (pace.spend(bytes)) await pace.rest();
  };
  await loadWeights({ file, source, layout, kernels, memory, onProgress, signal, pace: rest });
  return new WasmExecutor({ shape, contextMax, layers, layout, memory, kernels, pace });
}

interface Parts {
  readonly shape: ModelShape;
  readonly contextMax: number;
  readonly layers: LayerRange;
  readonly layout: Layout;
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
  readonly pace: Pace;
}

class WasmExecutor implements Executor {
  readonly shape: ModelShape;
  readonly numericClass = numericClass;
  readonly contextMax: number;
  readonly layers: LayerRange;
  readonly digests: ExecutorDigests;
  readonly #turns = new Turns();
  readonly #home: { layers: LayerRange; pool: PagePool; assertOpen: () => void };
  /** Undefined once closed, so that the memory can go while sessions are still referred to. */
  #parts: Parts | undefined;

  constructor(parts: Parts) {
    this.shape = parts.shape;
    this.contextMax = parts.contextMax;
    this.layers = parts.layers;
    this.#parts = parts;
    this.#home = {
      layers: parts.layers,
      pool: new PagePool(parts.memory, parts.layout),
      assertOpen: (): void => void this.#open(),
    };
    this.digests = {
      forward: async (call) => {
        const digests = new Uint8Array(Math.ceil(call.hidden.length / this.shape.width) * 32);
        const forward = (): Promise<Float32Array> =>
          this.#forward({ ...call, digests }, call.signal);
        return { hidden: await this.#turns.take(forward), digests };
      },
      tokenBlocks: (tokens, options) => digestTokens(this.#open(), tokens, options),
    };
  }

  openSession(): Session {
    this.#open();
    this.#home.pool.reserve(1);
    return new PagedSession(this.#home);
  }

  embed(tokens: Uint32Array): Promise<Float32Array> {
    return this.#turns.take(() => Promise.resolve(this.#embed(tokens)));
  }

  // tidy: allow positional-parameters as the face has them
  forward(
    layers: LayerRange,
    batch: Batch,
    hidden: Float32Array,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    return this.#turns.take(() => this.#forward({ layers, batch, hidden }, signal));
  }

  head(hidden: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
    return this.#turns.take(() => this.#head(hidden, signal));
  }

  pages(): { readonly used: number; readonly total: number; readonly pageBytes: number } {
    const { used, total, pageBytes } = this.#home.pool;
    return { used, total, pageBytes };
  }

  close(): void {
    this.#parts = undefined;
    this.#home.pool.close();
  }

  #embed(tokens: Uint32Array): Float32Array {
    const { layout, kernels, memory } = this.#open();
    const { embedding, scratch } = layout;
    if (embedding === undefined) throw notHeld("the embedding");
    checkTokens(tokens, this.shape.vocabularySize);
    const { width } = this.shape;
    const result = new Float32Array(tokens.length * width);
    tokens.forEach((token, row) => {
      const group = embedding.ptr + (token >>> 3) * embedding.groupBytes;
      kernels.dequantiseRow(embedding.kind, scratch.xPtr, group, token & 7, width);
      result.set(new Float32Array(memory.buffer, scratch.xPtr, width), row * width);
    });
    return result;
  }

  async #forward(
    call: { layers: LayerRange; batch: Batch; hidden: Float32Array; digests?: Uint8Array },
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    this.#open();
    signal?.throwIfAborted();
    const { layers, hidden, digests } = call;
    const entries = call.batch.map((entry) => {
      const session = PagedSession.of(entry.session, this.#home);
      return { ...entry, session, counts: session.counts };
    });
    const { shape, contextMax } = this;
    checkForward({ shape, contextMax, held: this.layers, layers, entries, hidden });
    const { pool } = this.#home;
    pool.reserve(entries.reduce(
      (sum, entry) => sum + entry.session.pagesNeeded(entry.firstPosition, entry.positionCount),
      0,
    ));
    for (const { session, firstPosition, positionCount } of entries) {
      session.enter(firstPosition, positionCount);
    }
    try {
      const rows: Row[] = entries.flatMap(({ session, firstPosition, positionCount }) =>
        Array.from({ length: positionCount }, (_, i) => ({ session, position: firstPosition + i }))
      );
      const result = await this.#rows({ layers, rows, hidden, digests }, signal);
      for (const { counts, firstPosition, positionCount } of entries) {
        counts.set(layers, firstPosition + positionCount);
      }
      return result;
    } finally {
      for (const { session } of entries) session.leave();
    }
  }

  async #rows(
    call: {
      readonly layers: LayerRange;
      readonly rows: readonly Row[];
      readonly hidden: Float32Array;
      readonly digests: Uint8Array | undefined;
    },
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const { rows, hidden, layers, digests } = call;
    const { width } = this.shape;
    const pass = this.#pass(() => {
      signal?.throwIfAborted();
      if (rows.some(({ session }) => session.isLeaving)) throw dropped();
    });
    const result = new Float32Array(hidden.length);
    for (let from = 0; from < rows.length; from += chunkRowsMax) {
      const chunk = rows.slice(from, from + chunkRowsMax);
      const end = (from + chunk.length) * width;
      pass.writeHidden(hidden.subarray(from * width, end));
      pass.rotations(chunk);
      for (let layer = layers.from; layer < layers.to; layer++) {
        await pass.layer(layer - this.layers.from, layer, chunk);
      }
      pass.readHidden(result.subarray(from * width, end));
      if (digests !== undefined) pass.digestHidden(digests.subarray(from * 32, end / width * 32));
    }
    return result;
  }

  async #head(hidden: Float32Array, signal: AbortSignal | undefined): Promise<Float32Array> {
    if (this.#open().layout.headMatrix === undefined) throw notHeld("the head");
    signal?.throwIfAborted();
    const { width, vocabularySize } = this.shape;
    const count = checkedRows(hidden, width);
    const pass = this.#pass(() => signal?.throwIfAborted());
    const result = new Float32Array(count * vocabularySize);
    for (let from = 0; from < count; from += headRowsMax) {
      const to = Math.min(from + headRowsMax, count);
      pass.writeHidden(hidden.subarray(from * width, to * width));
      await pass.head(to - from, result.subarray(from * vocabularySize, to * vocabularySize));
    }
    return result;
  }

  #pass(assertGoing: () => void): Pass {
    return new Pass({
      ...this.#open(),
      assertGoing: (): void => {
        this.#open();
        assertGoing();
      },
    });
  }

  #open(): Parts {
    if (this.#parts !== undefined) return this.#parts;
    throw new EngineError({
      code: "closed",
      message: "Cannot use the executor as it was closed",
    });
  }
}

function notHeld(what: string): EngineError {
  return new EngineError({
    code: "not-held",
    message: `Cannot compute ${what} as this executor does not hold it`,
  });
}

function dropped(): EngineError {
  return new EngineError({
    code: "closed",
    message: "Cannot go on as a session of the batch was dropped",
  });
}
