/**
 * Who computes which layers of the mesh's models, and why, at placement/rpc.sock.
 *
 * Other services ask `placement.route`; people ask `placement.plan`, which `GET /admin/placement`
 * answers too, and `mesh.overview`.
 *
 * @module
 */
export { placementService } from "./service.ts";
export { placementConfig } from "./config.ts";
export type { PlacementConfig } from "./config.ts";
export { placementContract } from "./contract.ts";
export type {
  MeshOverview,
  PlacementPlan,
  PlacementPlans,
  RouteAnswer,
  RouteQuestion,
} from "./contract.ts";
