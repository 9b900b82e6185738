/**
 * Placement: who computes which layers, and why.
 *
 * A library: what nodes there are and what was measured comes as arguments.
 *
 * @module
 */
export type { Candidate, PlanNeed } from "./candidate.ts";
export { Planner } from "./plan.ts";
export type { CandidateReason, CandidateVerdict, Plan, PlannedStage } from "./plan.ts";
export { chooseLayers } from "./choose_layers.ts";
export type { LayerNeed } from "./choose_layers.ts";
export { candidatesOf, modelsOf } from "./candidates.ts";
export type { MeshNode, PlacedModel, PlacementRules } from "./candidates.ts";
export { drawRoute } from "./picture.ts";
export type { DrawnStage } from "./picture.ts";
export { DampedMeasure } from "./damped_measure.ts";
export { gapOf } from "./gap.ts";
export type { BarredHolder, Gap } from "./gap.ts";
export { layerRuns, layerWords } from "./layer_runs.ts";
export type { LayerRun } from "./layer_runs.ts";
export type { Readable } from "./readers.ts";
export type { Basis } from "./basis.ts";
