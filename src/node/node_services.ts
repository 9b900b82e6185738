/** The services that every node of this release runs, beside those that speak for the node itself. */
import type { Service } from "../kernel/mod.ts";
import { apiService } from "../services/api/mod.ts";
import { createInferenceService } from "../services/inference/mod.ts";
import { createNetworkService } from "../services/network/mod.ts";
import type { NetworkServiceOptions } from "../services/network/mod.ts";
import { partsService } from "../services/parts/mod.ts";
import { placementService } from "../services/placement/mod.ts";
import { modelsService } from "../services/models/mod.ts";

/** The services for one node; what they hold, they hold within their `run`. */
export function nodeServices(options: NetworkServiceOptions = {}): readonly Service[] {
  return [
    createNetworkService(options) as Service,
    partsService as Service,
    placementService as Service,
    createInferenceService() as Service,
    apiService as Service,
  ];
}

/**
 * Those that run in a worker thread as well as in the main one: they touch nothing but their host.
 * `control` and `journal` answer from the node's own state, so they stay with it; `network` owns the
 * mesh, which no thread can have twice; `parts` speaks over it, and `placement` reads its state.
 */
export function movableServices(): readonly Service[] {
  return [...nodeServices(), modelsService].filter(({ name }) =>
    !["network", partsService.name, placementService.name].includes(name)
  );
}
