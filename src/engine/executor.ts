/**
 * The WASM executor: loads some layers of a model and computes them by the numeric class.
 *
 * One memory, shared by threads that run one program over it (wasm/executor/program.ts); the thread
 * that loads it stays free. Calls take turns. It does not sample, tokenise or schedule.
 */
import type { ByteSource, GgufFile, ModelShape } from "../model/mod.ts";
import { availableMemory } from "../platform/mod.ts";
import { allocateMemory } from "./_allocate.ts";
import { checkedContext, checkedLayers } from "./_checks.ts";
import type { ProbeMode } from "./_kinds.ts";
import { drawLayout } from "./_layout.ts";
import { loadWeights } from "./_loader.ts";
import {
  type Build,
  instantiateKernels,
  kernelMemory,
  kernelModule,
  probeKernels,
} from "./_module.ts";
import { valueWidthOf } from "./_page_room.ts";
import { writeFrequencies, writeModel } from "./_program.ts";
import { refuseUnusedTensors } from "./_tensors.ts";
import { threadCountFor } from "./_thread_count.ts";
import { Threads } from "./_threads.ts";
import { WasmExecutor } from "./_wasm_executor.ts";
import type { LayerRange, ModelExecutor } from "./face.ts";
import type { KeyValueType } from "./numeric_class.ts";

/** What to load, and how. */
export interface LoadExecutorOptions {
  readonly file: GgufFile;
  /** Where the file's bytes are; read while loading only, and not closed. */
  readonly source: ByteSource;
  readonly shape: ModelShape;
  /** Positions that a session may have. @default the model's, or what fits if that is 2048 or more */
  readonly contextMax?: number;
  /** Layers to hold. @default all */
  readonly layers?: LayerRange;
  /** Whether to hold the embedding. @default true when layer 0 is held */
  readonly embedding?: boolean;
  /** Whether to hold the head. @default true when the last layer is held */
  readonly head?: boolean;
  /** Bytes of keys and values, all sessions together. @default four full contexts, or what fits */
  readonly kvBytesMax?: number;
  /** Bytes that the executor may take. @default what the machine has, where that may be known */
  readonly memoryBytesMax?: number;
  /** Forces the kernels of a probe answer, for tests; results do not differ. */
  readonly probe?: ProbeMode;
  /** Forces the build without relaxed SIMD, for tests. @default "best" */
  readonly build?: Build;
  /** Called while loading, in bytes of tensors. */
  readonly onProgress?: (loadedBytes: number, totalBytes: number) => void;
  /** Stops loading. */
  readonly signal?: AbortSignal;
  /**
   * Threads that compute, 1 to 32; results do not differ.
   *
   * @default 1 for small models, else one for each core, up to 8
   */
  readonly threads?: number;
  /** How keys and values are stored: f16 is a numeric class of its own. @default "f32" */
  readonly keyValueType?: KeyValueType;
  /**
   * The BLAKE3 root of the file, 64 hexadecimal digits: what links of prefixes begin with.
   *
   * @default zeros: links then mean something in this executor only
   */
  readonly root?: string;
}

/**
 * Loads a model into a WASM executor; memory beyond the weights stays constant meanwhile.
 *
 * @throws {EngineError} "unsupported-type", "unsupported-tensor", "missing-tensor", "short-read",
 *   "not-a-number" (naming the tensor), "thread-died" or "no-memory" (with the bytes needed)
 * @throws {RangeError} when `contextMax`, `layers` or `kvBytesMax` is out of range
 * @throws the signal's reason when it aborts
 */
export async function loadExecutor(options: LoadExecutorOptions): Promise<ModelExecutor> {
  const { file, source, shape } = options;
  const contextMax = checkedContext(options.contextMax, shape);
  const layers = checkedLayers(options.layers, shape);
  refuseUnusedTensors(file, { layers, shape });
  const embedding = options.embedding ?? layers.from === 0;
  const head = options.head ?? layers.to === shape.layerCount;
  const threadCount = threadCountFor(
    options.threads,
    weightsOf(options, { layers, embedding, head }),
  );
  const prober = instantiateKernels(kernelMemory(1, 1), options.build);
  const { keyValueType = "f32" } = options;
  const layout = drawLayout({
    file,
    source,
    shape,
    contextAsked: options.contextMax,
    contextMax,
    availableBytes: options.memoryBytesMax ?? availableMemory(),
    layers,
    embedding,
    head,
    kvBytesMax: options.kvBytesMax,
    choice: {
      relaxed: prober.relaxed() === 1,
      hardware: probeKernels(prober),
      forced: options.probe,
    },
    threads: threadCount,
    scoresBytes: prober.attendScratchBytes(contextMax, valueWidthOf(shape.headWidth)),
    keyValueType,
  });
  const memory = allocateMemory(layout, file.name);
  const kernels = instantiateKernels(memory, options.build);
  const { onProgress, signal } = options;
  const module = kernelModule(options.build);
  const threads = new Threads({ module, memory, count: threadCount });
  const program = { shape, layout, memory, firstLayer: layers.from, keyValueType };
  try {
    await loadWeights({ file, source, layout, kernels, memory, threads, onProgress, signal });
    writeFrequencies(program);
    writeModel(program);
  } catch (thrown) {
    threads.close();
    throw thrown;
  }
  return new WasmExecutor({
    shape,
    contextMax: layout.contextMax,
    layers,
    layout,
    memory,
    kernels,
    threads,
    program,
    keyValueType,
    root: options.root,
  });
}

/** How many weights are held: those of the layers, and of embedding and head. */
function weightsOf(
  { shape }: LoadExecutorOptions,
  held: { readonly layers: LayerRange; readonly embedding: boolean; readonly head: boolean },
): number {
  const { width, ffnWidth, headCount, kvHeadCount, headWidth, vocabularySize } = shape;
  const attention = 2 * width * headWidth * (headCount + kvHeadCount);
  const layer = attention + (shape.family.gated ? 3 : 2) * width * ffnWidth;
  const tables = Number(held.embedding) + Number(held.head && !shape.tiedOutput);
  return layer * (held.layers.to - held.layers.from) + tables * width * vocabularySize;
}
