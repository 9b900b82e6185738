/**
 * Who computes which layers of the mesh's models, and why, at placement/rpc.sock.
 *
 * People ask `placement.plan`, which `GET /admin/placement` answers too, and `mesh.overview`. Who runs a
 * pipeline chooses its routes by the same `RouteChooser`, by the rules that are on the bus.
 *
 * @module
 */
export { placementService } from "./service.ts";
export { placementConfig, rulesDefault, rulesTopic } from "./config.ts";
export type { PlacementConfig } from "./config.ts";

// For whoever chooses routes in its own thread.
export { RouteChooser } from "./route_chooser.ts";
export { nodesOf } from "./mesh_nodes.ts";

export { placementContract } from "./contract.ts";
export type {
  MeshOverview,
  PlacementPlan,
  PlacementPlans,
  RouteAnswer,
  RouteQuestion,
} from "./contract.ts";
