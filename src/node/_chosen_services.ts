/** Picks the services that a node runs: all, or those that were named and what they need. */
import type { PlacedService } from "../kernel/mod.ts";
import { NodeError } from "./node_error.ts";

/**
 * The services to run, in their order.
 *
 * @param only names; all when undefined
 * @throws {NodeError} "unknown-service" when there is none of such a name
 */
export function chosenServices(
  services: readonly PlacedService[],
  only: readonly string[] | undefined,
): readonly PlacedService[] {
  if (only === undefined) return services;
  const known = new Map(services.map((entry) => [entry.service.name, entry.service]));
  const chosen = new Set<string>();
  const waiting = ["control", ...only];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (chosen.has(name)) continue;
    const service = known.get(name);
    if (service === undefined) {
      const names = [...known.keys()].sort().join(", ");
      const message = `Cannot start service "${name}" as the node has ${names}`;
      throw new NodeError({ code: "unknown-service", message });
    }
    chosen.add(name);
    waiting.push(...service.needs);
  }
  return services.filter(({ service }) => chosen.has(service.name));
}
