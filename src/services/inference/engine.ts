/**
 * What this service needs of the engine; tests hand in executors of their own.
 */
import { createSampler, loadExecutor } from "../../engine/mod.ts";
import { availableMemory } from "../../platform/mod.ts";
import type {
  LoadExecutorOptions,
  ModelExecutor,
  Sampler,
  SamplerOptions,
} from "../../engine/mod.ts";

/** Loads executors and makes samplers. */
export interface Engine {
  load(
    options: Pick<
      LoadExecutorOptions,
      | "file"
      | "source"
      | "shape"
      | "contextMax"
      | "layers"
      | "kvBytesMax"
      | "keyValueType"
      | "threads"
      | "root"
      | "signal"
      | "onProgress"
    >,
  ): Promise<ModelExecutor>;
  createSampler(options: SamplerOptions): Sampler;
  /** Bytes that programs of this machine may still take; undefined where that may not be known. */
  memoryFree?(): number | undefined;
}

/** The WASM executor and the sampler of its numeric class. */
export const wasmEngine: Engine = {
  load: loadExecutor,
  createSampler,
  memoryFree: availableMemory,
};
