/**
 * The entry of a worker that runs a service, when it is started from source: imports the registry
 * that it was told and runs the service of its name from there.
 */
import { workerData } from "node:worker_threads";
import type { Service } from "./service.ts";
import { runServiceWorker } from "./worker_runtime.ts";
import type { WorkerStart } from "./worker_service.ts";

runServiceWorker(loadFromRegistry);

async function loadFromRegistry(name: string): Promise<Service> {
  const { registry } = workerData as WorkerStart;
  if (registry === undefined) {
    throw new TypeError(`Cannot load service "${name}" as its worker was told no registry`);
  }
  const module: { readonly loadService?: (name: string) => Promise<Service> } = await import(
    registry
  );
  if (module.loadService === undefined) {
    throw new TypeError(
      `Cannot load service "${name}" as its registry must export 'loadService': ` +
        `current value is ${registry}`,
    );
  }
  return await module.loadService(name);
}
