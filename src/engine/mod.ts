/**
 * The transformer executor and the sampler of the numeric class.
 *
 * @module
 */
export type { Batch, BatchEntry, Executor, LayerRange, Session } from "./face.ts";
