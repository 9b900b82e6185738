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
