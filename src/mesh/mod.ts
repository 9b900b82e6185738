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
