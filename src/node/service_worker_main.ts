/**
 * The entry of a worker thread of the node: runs the one service that the thread was made for.
 *
 * The services are imported by name, so that a bundle of this file is all that an executable needs.
 */
import { runServiceWorker } from "../kernel/mod.ts";
import type { Service } from "../kernel/mod.ts";
import { movableServices } from "./node_services.ts";

runServiceWorker(loadService);

function loadService(name: string): Service {
  const services = movableServices();
  const service = services.find((one) => one.name === name);
  if (service !== undefined) return service;
  const names = services.map((one) => one.name).join(", ");
  throw new TypeError(`Cannot run service "${name}" in a worker as workers have ${names}`);
}
