/**
 * A service that runs in a worker thread, seen from the main thread as an ordinary service.
 *
 * The supervisor needs to know nothing of it: the worker's crash is the run's failure, and a
 * restart is a new worker. What the worker asks of its host is answered by the host of this side.
 */
import { Worker } from "node:worker_threads";
import type { GenericSchema } from "valibot";
import * as v from "valibot";
import { workerUrl } from "../platform/mod.ts";
import { KernelError, toError } from "./kernel_error.ts";
import type { Methods } from "./method.ts";
import type { MethodDocument } from "./openrpc_types.ts";
import { RpcError } from "./rpc_error.ts";
import type { Host, Labels, MetricOptions, Service, SqlValue } from "./service.ts";
import { ThreadLink } from "./thread_link.ts";
import type { LinkHandlers } from "./thread_link.ts";
// Packers follow imports, not URLs: this one takes the worker's entry along, and is erased.
import type {} from "./worker_main.ts";

/** Where workers find their code, and how long they may take to end. */
export interface WorkerPlacement {
  /**
   * The module that a worker runs: worker_main.ts, or a bundle that calls `runServiceWorker`. Only a
   * `data:` URL or a bundled file works inside a single executable.
   *
   * @default worker_main.ts beside this file
   */
  readonly entry?: URL | string;
  /** A module with `loadService(name)`, for worker_main.ts; a bundled entry needs none. */
  readonly registry?: URL | string;
  /** A worker that was asked to stop and has not ended is terminated. @default {20000} */
  readonly stopTimeoutMs?: number;
}

/** What the worker is told at its start. */
export interface WorkerStart {
  readonly service: string;
  readonly registry: string | undefined;
}

/** A method's public side, as the worker sends it. */
export interface OfferedMethod {
  readonly name: string;
  readonly kind: "call" | "stream";
  /** Made of the schemas, which don't cross themselves. */
  readonly document: MethodDocument;
}

/** A metric's sample, as the worker sends it. */
export interface MetricSample {
  readonly type: "counter" | "gauge" | "histogram";
  readonly options: MetricOptions & { readonly buckets?: readonly number[] };
  /** Absent when the metric was only made. */
  readonly value?: number;
  readonly labels?: Labels;
}

const STOP_TIMEOUT_MS = 20_000;

/** The same service, run in a worker. Its configuration must be structured-clone-safe. */
export function inWorker(service: Service, placement: WorkerPlacement): Service {
  return {
    name: service.name,
    ...(service.description === undefined ? {} : { description: service.description }),
    config: service.config as GenericSchema<unknown, unknown>,
    needs: service.needs,
    ...(service.outlives === undefined ? {} : { outlives: service.outlives }),
    critical: service.critical,
    run: (config, host) => runInWorker(config, host, { name: service.name, placement }),
  };
}

async function runInWorker(
  config: unknown,
  host: Host,
  options: { readonly name: string; readonly placement: WorkerPlacement },
): Promise<void> {
  const { name, placement } = options;
  const worker = new Worker(entryOf(placement), {
    name,
    workerData: { service: name, registry: placement.registry?.toString() } satisfies WorkerStart,
  });
  const died = Promise.withResolvers<never>();
  const started = Promise.withResolvers<void>();
  const link: ThreadLink = new ThreadLink(
    worker,
    hostHandlers(host, {
      invoke: (method): Methods[string] => proxyOf(method, link),
      started: () => started.resolve(),
    }),
  );
  worker.once("error", (cause) => died.reject(workerDied(name, toError(cause))));
  worker.once("exit", () => died.reject(workerDied(name)));
  const timeoutMs = placement.stopTimeoutMs ?? STOP_TIMEOUT_MS;
  const cancelLimit = onceAborted(host, timeoutMs, () => died.reject(workerStuck(name, timeoutMs)));
  try {
    await Promise.race([started.promise, died.promise]);
    const { directories, identity: { hid, key } } = host;
    const start = { config, directories, identity: { hid, key } };
    await Promise.race([link.call("run", start, host.signal), died.promise]);
  } finally {
    cancelLimit();
    link.close(workerDied(name));
    await worker.terminate();
  }
}

function entryOf(placement: WorkerPlacement): URL | string {
  const { entry } = placement;
  if (entry === undefined) {
    return workerUrl("kernel/worker_main", new URL("./worker_main.ts", import.meta.url));
  }
  return typeof entry === "string" && /^(data|file):/.test(entry) ? new URL(entry) : entry;
}

/** Runs `fn` when the service has been asked to stop for `delayMs`; the result calls it off. */
function onceAborted(host: Host, delayMs: number, fn: () => void): () => void {
  let cancel = (): void => {};
  const onAbort = (): void => {
    const timer = host.clock.after(delayMs, fn);
    cancel = (): void => timer.cancel();
  };
  if (host.signal.aborted) onAbort();
  else host.signal.addEventListener("abort", onAbort, { once: true });
  return () => {
    host.signal.removeEventListener("abort", onAbort);
    cancel();
  };
}

/** Answers what the worker's host asks, by this side's host. */
function hostHandlers(
  host: Host,
  options: {
    readonly invoke: (method: OfferedMethod) => Methods[string];
    readonly started: () => void;
  },
): LinkHandlers {
  type Call = { service: string; method: string; params: unknown };
  type Statement = { sql: string; parameters?: readonly SqlValue[] };
  return {
    calls: {
      call: (c: Call, signal) => host.call(c.service, c.method, c.params, signal),
      serve: (methods: readonly OfferedMethod[]): Promise<void> =>
        host.serve(Object.fromEntries(methods.map((one) => [one.name, options.invoke(one)]))),
      append: (event: Parameters<Host["journal"]["append"]>[0]) => host.journal.append(event),
      storeRun: ({ sql, parameters }: Statement) => host.store.run(sql, parameters),
      storeAll: ({ sql, parameters }: Statement) => host.store.all(sql, parameters),
      expose: () => host.metrics.expose(),
      sign: ({ purpose, bytes }: { purpose: string; bytes: Uint8Array }) =>
        host.identity.sign(purpose, bytes),
    },
    streams: {
      stream: (c: Call, signal) => host.stream(c.service, c.method, c.params, signal),
      subscribe: ({ topic, replay }: { topic: string; replay: number }, signal) =>
        host.bus.subscribe(topic, { signal, replay }),
    },
    tells: {
      started: options.started,
      ready: () => host.ready(),
      log: (line: {
        level: "debug" | "info" | "warn" | "error";
        message: string;
        properties: Record<string, unknown>;
      }) => host.log[line.level](line.message, line.properties),
      publish: ({ topic, payload }: { topic: string; payload: unknown }) =>
        host.bus.publish(topic, payload),
      metric: (sample: MetricSample) => recordSample(host, sample),
      announce: ({ name, address }: { name: string; address: string }) =>
        host.announce(name, address),
    },
    onError: (error) => host.log.error("Worker asked for what its host refuses", { error }),
  };
}

function recordSample(host: Host, sample: MetricSample): void {
  const { type, options, value, labels } = sample;
  const { buckets = [], ...base } = options;
  if (type === "counter") {
    const counter = host.metrics.counter(base);
    if (value !== undefined) counter.add(value, labels);
  } else if (type === "gauge") {
    const gauge = host.metrics.gauge(base);
    if (value !== undefined) gauge.set(value, labels);
  } else {
    const histogram = host.metrics.histogram({ ...base, buckets });
    if (value !== undefined) histogram.observe(value, labels);
  }
}

/** A method that is run in the worker, which also checks the parameters: schemas don't cross. */
function proxyOf(offered: OfferedMethod, link: ThreadLink): Methods[string] {
  const { name, kind, document } = offered;
  const { summary } = document;
  const params = v.unknown();
  if (kind === "stream") {
    return {
      kind,
      summary,
      params,
      document,
      async *run(args, { signal }): AsyncGenerator<unknown> {
        try {
          yield* link.stream("produce", { name, params: args }, signal);
        } catch (thrown) {
          throw asUnavailable(thrown);
        }
      },
    };
  }
  return {
    kind,
    summary,
    params,
    document,
    async run(args: unknown, { signal }): Promise<unknown> {
      try {
        return await link.call("invoke", { name, params: args }, signal);
      } catch (thrown) {
        throw asUnavailable(thrown);
      }
    },
  };
}

/** A caller may come back once the worker has been replaced; any other failure stays what it is. */
function asUnavailable(thrown: unknown): unknown {
  if (!(thrown instanceof KernelError) || thrown.code !== "worker-died") return thrown;
  return new RpcError({ kind: "unavailable", message: thrown.message, cause: thrown });
}

function workerDied(service: string, cause?: Error): KernelError {
  const why = cause === undefined ? "has ended" : `has crashed: ${cause.message}`;
  const message = `Cannot go on with service "${service}" as its worker ${why}`;
  return new KernelError({ code: "worker-died", message, service, cause });
}

function workerStuck(service: string, timeoutMs: number): KernelError {
  const message = `Cannot stop service "${service}" in peace as its worker did not end within ` +
    `${timeoutMs} ms: it was terminated`;
  return new KernelError({ code: "worker-died", message, service });
}
