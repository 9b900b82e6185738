/** A small world for kernel tests: ports, directories, and services made in place. */
import * as v from "valibot";
import { createKernel, createLog } from "../../src/kernel/mod.ts";
import type { Host, Kernel, KernelOptions, Service } from "../../src/kernel/mod.ts";
import { MemoryNetwork, ModelledDisk, SeededRandom, VirtualClock } from "../../src/sim/mod.ts";

/** A service from a function; it runs until it is asked to stop when the function returns. */
export function service(
  name: string,
  options: {
    readonly needs?: readonly string[];
    readonly outlives?: readonly string[];
    readonly critical?: boolean;
    readonly run?: (host: Host, config: unknown) => Promise<void> | void;
    readonly stays?: boolean;
  } = {},
): Service {
  return {
    name,
    config: v.unknown(),
    needs: options.needs ?? [],
    ...(options.outlives === undefined ? {} : { outlives: options.outlives }),
    critical: options.critical ?? false,
    async run(config: unknown, host: Host): Promise<void> {
      if (options.run === undefined) host.ready();
      await options.run?.(host, config);
      if (options.stays ?? true) await aborted(host.signal);
    },
  };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

/** A kernel on test ports, and what it wrote. */
export interface World {
  readonly kernel: Kernel;
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly disk: ModelledDisk;
  readonly lines: string[];
}

/** Makes a kernel over virtual time, a modelled disk and a network in memory. */
export function world(
  services: readonly Service[],
  options: Partial<KernelOptions> & { readonly seed?: number } = {},
): World {
  const clock = new VirtualClock();
  const network = new MemoryNetwork();
  const disk = new ModelledDisk();
  const lines: string[] = [];
  const log = createLog({ clock, level: "debug", write: (line) => lines.push(line) });
  const kernel = createKernel({
    services: services.map((one) => ({ service: one, config: {} })),
    ...{ clock, network, disk, log, random: new SeededRandom(options.seed ?? 1) },
    directories: { config: "/c", state: "/s", data: "/d", models: "/m", sockets: "/run/skep" },
    version: "1.2.3",
    journalFor: () => ({ append: () => Promise.resolve({ sequence: 1 }) }),
    storeFor: () => ({
      run: () => Promise.resolve({ changes: 0 }),
      all: () => Promise.resolve([]),
    }),
    ...options,
  });
  return { kernel, clock, network, disk, lines };
}

/** Lets everything that waits for nothing but promises happen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
