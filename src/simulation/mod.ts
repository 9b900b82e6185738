/**
 * Whole meshes in one process, in virtual time: for `skep sim`, for tests, and for whoever builds on
 * the mesh.
 *
 * @example
 * ```ts
 * const actions = parseScript("10s cut 3\n20s restart 3\n60s end", 5);
 * const report = await simulate({ nodes: 5, seed: 1, actions });
 * console.log(report.ok, report.digest, report.rate);
 * ```
 *
 * @module
 */
export { simulate } from "./simulate.ts";
export { simulatedNodesMax } from "./simulation_options.ts";
export type { SimulationOptions, SimulationReport } from "./simulation_options.ts";
export { parseScript, parseTime } from "./script.ts";
export type { Action, Churn, NodeVerb } from "./script.ts";
export type { Lag } from "./_expectations.ts";
