/**
 * The mesh: who is in it, what its nodes say of themselves, and the transports that link them.
 *
 * @module
 */
export {
  capabilitiesBytesMax,
  capabilitiesPatchSchema,
  capabilitiesSchema,
  joinCapabilities,
  noCapabilities,
  sharedModelsMax,
} from "./capabilities.ts";
export type { Capabilities, CapabilitiesPatch, ModelParts, ModelShare } from "./capabilities.ts";
export { createLibp2pMesh } from "./libp2p/libp2p_mesh.ts";
export type { Libp2pMeshOptions } from "./libp2p/libp2p_mesh.ts";
