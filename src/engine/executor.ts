/**
 * The WASM executor: loads some layers of a model and computes them by the numeric class.
 *
 * One memory, shared by threads that run one program over it (wasm/executor/program.ts); the thread
 * that loads it stays free. A model that one memory does not hold has several, each with its layers.
 * Calls take turns. It does not sample, tokenise or schedule.
 */
import type { ByteSource, GgufFile, ModelShape } from "../model/mod.ts";
import { availableMemory } from "../platform/mod.ts";
import { allocateMemory } from "./_allocate.ts";
import { ChainedExecutor } from "./_chained_executor.ts";
import { checkedContext, checkedLayers } from "./_checks.ts";
import type { ProbeMode } from "./_kinds.ts";
import { loadedBytesOf, loadWeights } from "./_loader.ts";
import { instantiateKernels, kernelMemory, probeKernels } from "./_module.ts";
import type { Build } from "./_module.ts";
import { partBytesDefault, valueWidthOf } from "./_page_room.ts";
import { planParts } from "./_part_plan.ts";
import type { PartPlan } from "./_part_plan.ts";
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
  /** Bytes of one WebAssembly memory; a larger model takes several. @default 4 GiB less 64 KiB */
  readonly partBytesMax?: number;
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
  const plans = planParts({
    file,
    source,
    shape,
    contextAsked: options.contextMax,
    contextMax,
    partBytesMax: options.partBytesMax ?? partBytesDefault,
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
  return await loadParts(plans, { ...options, keyValueType, threads: threadCount });
}

/** What parts are loaded with. */
type PartOptions = LoadExecutorOptions & {
  readonly keyValueType: KeyValueType;
  readonly threads: number;
};

async function loadParts(
  plans: readonly PartPlan[],
  options: PartOptions,
): Promise<ModelExecutor> {
  const bytes = plans.map(({ layout }) => loadedBytesOf(layout));
  const totalBytes = bytes.reduce((sum, each) => sum + each, 0);
  const parts: WasmExecutor[] = [];
  let before = 0;
  try {
    for (const [i, plan] of plans.entries()) {
      const offset = before;
      const onProgress = (loaded: number): void =>
        options.onProgress?.(offset + loaded, totalBytes);
      parts.push(await loadPart(plan, { ...options, onProgress }));
      before += bytes[i] ?? 0;
    }
  } catch (thrown) {
    for (const part of parts) part.close();
    throw thrown;
  }
  const [first, ...others] = parts;
  if (first === undefined) throw new RangeError("Cannot load a model as it has no part");
  const embedding = plans[0]?.layout.embedding !== undefined;
  const head = plans.at(-1)?.layout.headMatrix !== undefined;
  return others.length === 0 ? first : new ChainedExecutor([first, ...others], { embedding, head });
}

/** One memory with its threads. */
async function loadPart(plan: PartPlan, options: PartOptions): Promise<WasmExecutor> {
  const { file, source, shape, keyValueType, onProgress, signal, root, build } = options;
  const { layers, layout } = plan;
  const { memory, module } = allocateMemory(layout, { name: file.name, build });
  const kernels = instantiateKernels(memory, module);
  const threads = new Threads({ module, memory, count: options.threads });
  const program = { shape, layout, memory, firstLayer: layers.from, keyValueType };
  const { contextMax } = layout;
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
    contextMax,
    layers,
    layout,
    memory,
    kernels,
    threads,
    program,
    keyValueType,
    root,
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
