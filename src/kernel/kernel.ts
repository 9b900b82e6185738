/**
 * One node's kernel: its log, metrics, bus, call table and supervisor, put together.
 *
 * Nothing here is global; two kernels in one process share nothing. What is on disk (journal, store)
 * and who the node is belong to src/node.
 */
import { absentMesh } from "../ports/mod.ts";
import type { Clock, Disk, MeshNetwork, Network, Random } from "../ports/mod.ts";
import { memoryUsage } from "../platform/mod.ts";
import type { FrameLimits, HttpLimits } from "../wire/mod.ts";
import { CallTable } from "./call_table.ts";
import { openHostSession } from "./host.ts";
import type { Announcement, HostParts } from "./host.ts";
import type { NodeLog } from "./log.ts";
import { measureLoopLag } from "./loop_lag.ts";
import { MessageBus } from "./message_bus.ts";
import type { BusLimits } from "./message_bus.ts";
import { createMetrics } from "./metrics.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { Bus, Directories, HostIdentity, JournalAccess, StoreAccess } from "./service.ts";
import { createSupervisor, SUPERVISOR_LIMITS } from "./supervisor.ts";
import type {
  ServiceEntry,
  ServiceStatus,
  Supervisor,
  SupervisorLimits,
  SupervisorOutcome,
} from "./supervisor.ts";
import { inWorker } from "./worker_service.ts";
import type { WorkerPlacement } from "./worker_service.ts";

/** A service of the node, its checked configuration, and where it runs. */
export interface PlacedService extends ServiceEntry {
  /** @default {"main"} */
  readonly placement?: "main" | "worker";
}

/** What a kernel needs. */
export interface KernelOptions {
  readonly services: readonly PlacedService[];
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  /** Links to other nodes. @default one that refuses */
  readonly mesh?: MeshNetwork;
  /** Who the node is. @default nobody, who refuses to sign */
  readonly identity?: HostIdentity;
  readonly directories: Directories;
  readonly log: NodeLog;
  /** The node's version, for `GET /health`. */
  readonly version: string;
  readonly journalFor: (service: string) => JournalAccess;
  readonly storeFor: (service: string) => StoreAccess;
  /** Where workers find their code; needed when a service is placed in one. */
  readonly worker?: WorkerPlacement;
  readonly limits?: Partial<SupervisorLimits>;
  readonly busLimits?: Partial<BusLimits>;
  readonly httpLimits?: Partial<HttpLimits>;
  readonly frameLimits?: Partial<FrameLimits>;
  readonly onChange?: (status: ServiceStatus) => void;
}

/** A node's kernel. */
export interface Kernel {
  /** Starts the services; see `Supervisor.start`. */
  start(): Promise<void>;
  /** Stops them; a second call forces. See `Supervisor.stop`. */
  stop(): Promise<SupervisorOutcome>;
  /** Resolves when nothing runs any more; never rejects. */
  readonly finished: Promise<SupervisorOutcome>;
  /** The services in their starting order. */
  status(): ServiceStatus[];
  /** Where services can be reached now, in the order of their announcement. */
  announcements(): Announcement[];
  /** Calls a method as a service would. */
  call(service: string, method: string, options?: CallOptions): Promise<unknown>;
  /** Consumes a stream as a service would. */
  stream(service: string, method: string, options?: CallOptions): AsyncIterable<unknown>;
  readonly metrics: NodeMetrics;
  readonly bus: Bus;
  readonly log: NodeLog;
}

/** Parameters of a call from outside of the services. */
export interface CallOptions {
  readonly params?: unknown;
  readonly signal?: AbortSignal;
}

/**
 * Makes a kernel; nothing runs before `start`.
 *
 * @throws {KernelError} when the services can't be ordered
 * @throws {TypeError} when a service is placed in a worker and `worker` is missing
 */
export function createKernel(options: KernelOptions): Kernel {
  const { clock, log } = options;
  const metrics = createMetrics();
  const bus = new MessageBus(options.busLimits);
  const services = options.services.map((entry) => entry.service.name);
  const calls = new CallTable({ services, log, metrics });
  const announced = new Map<string, Announcement>();
  const drainTimeoutMs = options.limits?.drainTimeoutMs ?? SUPERVISOR_LIMITS.drainTimeoutMs;
  const announce = (one: Announcement): void =>
    void announced.set(`${one.service} ${one.name}`, one);
  const identity = options.identity ?? nobody;
  const mesh = options.mesh ?? absentMesh({ self: identity.key, why: "this node has none" });
  const shared = { metrics, bus, calls, announce, drainTimeoutMs, identity, mesh };
  const parts: HostParts = { ...options, ...shared };
  const supervisor = createSupervisor({
    ...options,
    services: options.services.map((entry) => placed(entry, options.worker)),
    metrics,
    openSession: (request) => openHostSession(request, parts),
    onChange: (status) => {
      if (status.state !== "ready" && status.state !== "stopping") forget(announced, status.name);
      options.onChange?.(status);
    },
  });
  exposeNode({ metrics, bus, calls, supervisor });
  return {
    ...lifecycle(supervisor, () => measureLoopLag(clock, metrics)),
    announcements: () => [...announced.values()],
    call: (service, method, call) => calls.call({ params: undefined, ...call, service, method }),
    stream: (service, method, call) =>
      calls.stream({ params: undefined, ...call, service, method }),
    ...{ metrics, bus, log },
  };
}

/** Who a kernel's node is when nobody said. */
const nobody: HostIdentity = {
  hid: `skep_${"0".repeat(64)}`,
  key: "0".repeat(64),
  sign: () => Promise.reject(new TypeError("Cannot sign as this node was given no key")),
};

function lifecycle(
  supervisor: Supervisor,
  measure: () => () => void,
): Pick<Kernel, "start" | "stop" | "finished" | "status"> {
  return {
    start: async (): Promise<void> => {
      const endMeasure = measure();
      supervisor.finished.then(endMeasure);
      await supervisor.start();
    },
    stop: () => supervisor.stop(),
    finished: supervisor.finished,
    status: () => supervisor.status(),
  };
}

function placed(entry: PlacedService, worker: WorkerPlacement | undefined): ServiceEntry {
  if (entry.placement !== "worker") return entry;
  if (worker === undefined) {
    throw new TypeError(
      `Cannot place service "${entry.service.name}" in a worker as 'worker' says no code for it`,
    );
  }
  return { ...entry, service: inWorker(entry.service, worker) };
}

function forget(announced: Map<string, Announcement>, service: string): void {
  for (const [key, one] of announced) if (one.service === service) announced.delete(key);
}

/** Gauges of the node itself, read when they are asked for. */
function exposeNode(
  parts: {
    readonly metrics: NodeMetrics;
    readonly bus: MessageBus;
    readonly calls: CallTable;
    readonly supervisor: Supervisor;
  },
): void {
  const { metrics, bus, calls, supervisor } = parts;
  const labels = ["service"];
  const up = metrics.gauge({ name: "service_ready", help: "1 while a service is ready.", labels });
  const inFlight = metrics.gauge({
    name: "calls_in_flight",
    help: "Calls that a service is running.",
    labels,
  });
  const dropped = metrics.gauge({
    name: "bus_dropped_messages",
    help: "Messages that slow subscribers of the bus have lost.",
  });
  const memory = metrics.gauge({
    name: "process_memory_bytes",
    help: "Memory of the process.",
    labels: ["kind"],
  });
  metrics.onExpose(() => {
    for (const { name, state } of supervisor.status()) {
      up.set(state === "ready" ? 1 : 0, { service: name });
      inFlight.set(calls.inFlight(name), { service: name });
    }
    dropped.set(bus.dropped);
    const { residentBytes, heapUsedBytes } = memoryUsage();
    memory.set(residentBytes, { kind: "resident" });
    memory.set(heapUsedBytes, { kind: "heap_used" });
  });
}
