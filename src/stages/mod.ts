/**
 * Layers of a model spread over nodes: the protocol between them (docs/STAGES.md), the server that
 * computes layers for others, and the pipeline that has the face of an executor.
 *
 * @example Compute a model with the layers of peers
 * ```ts
 * const server = new StageServer({ mesh, clock });
 * server.hold({ root, executor, embedding: true, head: false });
 * const pipeline = new PipelineExecutor({ shape, numericClass, root, mesh, clock, random, identity, router });
 * const session = pipeline.openSession();
 * const logits = await pipeline.step([{ session, tokens, logits: "last" }]);
 * ```
 *
 * @module
 */
export { PipelineExecutor } from "./pipeline_executor.ts";
export type { PipelineOptions } from "./pipeline_executor.ts";
export { PipelineSession } from "./_pipeline_session.ts";
export type { PipelineEvent } from "./pipeline_events.ts";
export { StageServer } from "./stage_server.ts";
export type { StageServerOptions } from "./stage_server.ts";
export type { HeldPart } from "./held_part.ts";
export { stageLimitsDefault } from "./server_types.ts";
export type {
  ComputedRows,
  HeadedRows,
  StageCounters,
  StageLimits,
  StageRefusal,
  StageWitness,
} from "./server_types.ts";
export { createHoldingsRouter, samePlace } from "./route.ts";
export type { Holding, Place, Route, RouteNeed, Router } from "./route.ts";
export { StageError } from "./stage_error.ts";
export type { StageErrorCode } from "./stage_error.ts";
export { stageProtocol } from "./limits.ts";

// --- for who vouches for what was computed ---
export { decodeOpen, isSigned } from "./stage_open.ts";
export type { OpenFrame, OpenPlace, StageOpen } from "./stage_open.ts";
