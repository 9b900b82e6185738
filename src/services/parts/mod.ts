/**
 * Parts of models, at parts/rpc.sock: what is on this node's disk, and what it fetches from the mesh.
 *
 * @module
 */
export { partsService } from "./service.ts";
export { partsConfig } from "./config.ts";
export type { PartsConfig } from "./config.ts";
export { partsContract } from "./contract.ts";
export type { FetchItem, HeldParts } from "./contract.ts";
