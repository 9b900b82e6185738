/**
 * The order in which services start: needs first, otherwise as they were listed.
 *
 * Pure; what is wrong with the set is said before anything starts.
 */
import { KernelError } from "./kernel_error.ts";

/** What the planner reads of a service. */
export interface Plannable {
  readonly name: string;
  readonly needs: readonly string[];
  /** Services that end before it, if they are there. */
  readonly outlives?: readonly string[];
}

/** Names of services, which become names of folders, sections and metrics. */
export const SERVICE_NAME: RegExp = /^[a-z][a-z0-9-]{0,31}$/;

/**
 * Sorts services so that each comes after all that it needs.
 *
 * @throws {KernelError} "bad-name", "duplicate", "unknown-need" or "cycle", naming the services
 */
export function planStart<S extends Plannable>(services: readonly S[]): S[] {
  const byName = new Map<string, S>();
  for (const service of services) {
    if (!SERVICE_NAME.test(service.name)) throw badName(service.name);
    if (byName.has(service.name)) throw duplicate(service.name);
    byName.set(service.name, service);
  }
  const sorted = new Map<string, S>();
  for (const service of services) visit(service, { byName, sorted, path: [] });
  checkEnd(services);
  return [...sorted.values()];
}

/** Who is outlived ends first, as who needs does: that must not go round in a circle either. */
function checkEnd(services: readonly Plannable[]): void {
  const ends = services.map(({ name, needs }): Plannable => {
    const survivors = services.filter(({ outlives = [] }) => outlives.includes(name));
    return { name, needs: [...needs, ...survivors.map((one) => one.name)] };
  });
  const byName = new Map(ends.map((one) => [one.name, one]));
  const sorted = new Map<string, Plannable>();
  for (const one of ends) visit(one, { byName, sorted, path: [] });
}

/** Depth first; `path` is the chain of services that need each other, for the cycle's message. */
function visit<S extends Plannable>(
  service: S,
  state: {
    readonly byName: ReadonlyMap<string, S>;
    readonly sorted: Map<string, S>;
    readonly path: readonly string[];
  },
): void {
  const { byName, sorted } = state;
  if (sorted.has(service.name)) return;
  const path = [...state.path, service.name];
  if (state.path.includes(service.name)) throw cycle(path.slice(path.indexOf(service.name)));
  for (const need of service.needs) {
    const needed = byName.get(need);
    if (needed === undefined) throw unknownNeed(service.name, need);
    visit(needed, { byName, sorted, path });
  }
  sorted.set(service.name, service);
}

function badName(service: string): KernelError {
  const message = `Cannot start a service as its name must match ${SERVICE_NAME.source}: ` +
    `current value is ${JSON.stringify(service)}`;
  return new KernelError({ code: "bad-name", message, service });
}

function duplicate(service: string): KernelError {
  const message = `Cannot start service "${service}" as it is listed twice`;
  return new KernelError({ code: "duplicate", message, service });
}

function unknownNeed(service: string, need: string): KernelError {
  const message = `Cannot start service "${service}" as it needs "${need}", which is not among ` +
    "the services of this node";
  return new KernelError({ code: "unknown-need", message, service });
}

function cycle(path: readonly string[]): KernelError {
  const chain = path.map((name) => `"${name}"`).join(" needs ");
  const message = `Cannot start the services as they need each other in a circle: ${chain}`;
  return new KernelError({ code: "cycle", message, service: path[0] ?? "" });
}
