/** The services that every node of this release runs, beside `control`, which speaks for the node. */
import type { Service } from "../kernel/mod.ts";
import { apiService } from "../services/api/mod.ts";
import { createInferenceService } from "../services/inference/mod.ts";

/** The services for one node; what they hold, they hold within their `run`. */
export function nodeServices(): readonly Service[] {
  return [createInferenceService() as Service, apiService as Service];
}
