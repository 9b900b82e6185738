/**
 * The transformer executor and the sampler of the numeric class.
 *
 * @module
 */
export type {
  Batch,
  BatchEntry,
  DigestedCall,
  DigestedRows,
  Executor,
  ExecutorDigests,
  LayerRange,
  ModelExecutor,
  PrefixCounters,
  Session,
  SessionOptions,
  StepEntry,
  TokenBlockOptions,
  TokensCall,
} from "./face.ts";
export { EngineError } from "./errors.ts";
export type { EngineErrorCode } from "./errors.ts";
export { keyValueTypeOf, numericClass, tilePositions as pagePositions } from "./numeric_class.ts";
export { contextLimitOf } from "./_checks.ts";
export { pageBytesOf } from "./_page_room.ts";
export { memoryNeed } from "./memory_need.ts";
export { classSupport } from "./class_support.ts";
export type { ClassSupport } from "./class_support.ts";
export { loadExecutor } from "./executor.ts";
export type { LoadExecutorOptions } from "./executor.ts";
export { hashTokenBlocks, tokenChainSeed } from "./token_blocks.ts";
export { probeMode } from "./probe.ts";
export type { ProbeMode } from "./probe.ts";
export { createReferenceExecutor } from "./reference/executor.ts";
export type { ReferenceOptions } from "./reference/executor.ts";
export { createReferenceSampler } from "./reference/sampler.ts";
export { createSampler } from "./sampler.ts";
export type { SamplePlace, Sampler, SamplerOptions, TokenLogprob } from "./sampler_options.ts";
