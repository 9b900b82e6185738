/** Which services run in worker threads, and what their threads run. */
import type { PlacedService, WorkerPlacement } from "../kernel/mod.ts";
import { workerUrl } from "../platform/mod.ts";
import { realClock, realDisk, realNetwork, realRandom } from "../ports/mod.ts";
import type { ConfiguredSetting } from "./configuration.ts";
import { NodeError } from "./node_error.ts";
import type { OwnSettings } from "./_own_settings.ts";
import type { RunOptions } from "./run_options.ts";
import { formatViolation } from "./violation.ts";
// Packers follow imports, not URLs: this one takes the worker's entry along, and is erased.
import type {} from "./service_worker_main.ts";

/** The code of the node's workers, and how long they may take to end: as long as the whole node. */
export function nodeWorkers({ node }: OwnSettings): WorkerPlacement {
  const file = new URL("./service_worker_main.ts", import.meta.url);
  return { entry: workerUrl("node/service_worker_main", file), stopTimeoutMs: node.drainMsMax };
}

/** The services, those that `node.workers` names placed in workers. */
export function placedServices(
  services: readonly PlacedService[],
  { node }: OwnSettings,
): readonly PlacedService[] {
  const moved = new Set<string>(node.workers);
  return services.map((entry) =>
    moved.has(entry.service.name) ? { ...entry, placement: "worker" } : entry
  );
}

/** The ports of which a worker makes its own; the environment is read in the main thread alone. */
const systemPorts = {
  clock: realClock,
  random: realRandom,
  disk: realDisk,
  network: realNetwork,
} as const;

/**
 * Refuses workers beside a port that is not the system's, as a worker would not use it.
 *
 * @throws {NodeError} code "config" that names the ports
 */
export function refuseWorkersBesidePorts(
  about: {
    readonly own: OwnSettings;
    readonly options: RunOptions;
    readonly settings: readonly ConfiguredSetting[];
  },
): void {
  const { own: { node }, options, settings } = about;
  const replaced = Object.entries(systemPorts)
    .filter(([name, system]) => !isSystem(Reflect.get(options, name), system()))
    .map(([name]) => name);
  if (node.workers.length === 0 || replaced.length === 0) return;
  const path = "node.workers";
  const place = settings.find((setting) => setting.path === path)?.from ?? "configuration";
  const names = replaced.map((name) => `'${name}'`).join(", ");
  const message = `it must be empty when run() is given ${names}, which a worker would not use: ` +
    `current value is ${node.workers.join(", ")}`;
  const violation = { place, path, message };
  throw new NodeError({
    code: "config",
    message: `Cannot use the configuration: ${formatViolation(violation)}`,
    violations: [violation],
  });
}

/** Whether a given port is none, or has the system's very functions: all of those are alike. */
function isSystem(given: unknown, system: object): boolean {
  if (given === undefined) return true;
  return Object.entries(system).every(([name, one]) => Reflect.get(Object(given), name) === one);
}
