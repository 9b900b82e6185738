/**
 * The worker's side: loads its service and runs it with a host that asks the main thread.
 *
 * Clock, random, disk and network are the worker's own real ports; everything that the node shares
 * is asked for over the link.
 */
import { parentPort, workerData } from "node:worker_threads";
import { absentMesh, realClock, realDisk, realNetwork, realRandom } from "../ports/mod.ts";
import { checkParams } from "./check_params.ts";
import type { Method, Methods } from "./method.ts";
import { describeMethod } from "./openrpc.ts";
import { redactProperties } from "./redact.ts";
import { RpcError } from "./rpc_error.ts";
import type { Bus, Directories, Host, HostIdentity, Log, Metrics, Service } from "./service.ts";
import { ThreadLink } from "./thread_link.ts";
import type { MetricSample, OfferedMethod, WorkerStart } from "./worker_service.ts";

/** Finds a service by its name. */
export type ServiceLoader = (name: string) => Promise<Service> | Service;

/**
 * Runs the service that this worker was made for; the entry of a bundled worker calls it with the
 * services of the bundle.
 *
 * @throws {TypeError} when this thread is no worker of a node
 */
export function runServiceWorker(load: ServiceLoader): void {
  const port = parentPort;
  if (port === null) {
    throw new TypeError("Cannot run a service worker as this thread is no worker of a node");
  }
  const { service: name } = workerData as WorkerStart;
  const methods = new Map<string, Method>();
  const link: ThreadLink = new ThreadLink(port, {
    calls: {
      run: async (start: RunStart, signal) => {
        const service = await load(name);
        const { directories, identity } = start;
        const host = workerHost({ link, signal, methods, directories, identity });
        await endAsAsked(service.run(start.config, host), signal);
      },
      invoke: (call: Invocation, signal) => invoke(methods, call, signal),
    },
    streams: { produce: (call: Invocation, signal) => produce(methods, call, signal) },
    tells: {},
    onError: () => {},
  });
  link.tell("started", undefined);
}

interface RunStart {
  readonly config: unknown;
  readonly directories: Directories;
  readonly identity: Pick<HostIdentity, "hid" | "key">;
}

interface Invocation {
  readonly name: string;
  readonly params: unknown;
}

/** A service may pass on the stop request as an exception, as it may in the main thread. */
async function endAsAsked(running: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await running;
  } catch (thrown) {
    const passedOn = thrown === signal.reason ||
      (thrown instanceof Error && thrown.name === "AbortError");
    if (!signal.aborted || !passedOn) throw thrown;
  }
}

async function invoke(
  methods: ReadonlyMap<string, Method>,
  call: Invocation,
  signal: AbortSignal,
): Promise<unknown> {
  const method = methods.get(call.name);
  if (method?.kind !== "call") throw gone(call.name);
  const params = await checkParams(call.params, { method: call.name, schema: method.params });
  return await method.run(params, { signal });
}

async function* produce(
  methods: ReadonlyMap<string, Method>,
  call: Invocation,
  signal: AbortSignal,
): AsyncGenerator<unknown, void, undefined> {
  const method = methods.get(call.name);
  if (method?.kind !== "stream") throw gone(call.name);
  const params = await checkParams(call.params, { method: call.name, schema: method.params });
  yield* method.run(params, { signal });
}

function gone(name: string): RpcError {
  const message = `Cannot call "${name}" as the worker has no such method`;
  return new RpcError({ kind: "methodNotFound", message });
}

function workerHost(
  parts: {
    readonly link: ThreadLink;
    readonly signal: AbortSignal;
    readonly methods: Map<string, Method>;
    readonly directories: Directories;
    readonly identity: Pick<HostIdentity, "hid" | "key">;
  },
): Host {
  const { link, signal, methods, directories, identity } = parts;
  return {
    signal,
    directories,
    ready: () => link.tell("ready", undefined),
    log: workerLog(link),
    clock: realClock(),
    random: realRandom(),
    disk: realDisk(),
    network: realNetwork(),
    mesh: absentMesh({
      self: identity.key,
      why: "this service runs in a worker thread: take it out of node.workers",
      refuseHandlers: true,
    }),
    identity: {
      ...identity,
      sign: (purpose, bytes) => link.call("sign", { purpose, bytes }) as Promise<Uint8Array>,
    },
    metrics: workerMetrics(link),
    bus: workerBus(link),
    journal: { append: (event) => link.call("append", event) as Promise<{ sequence: number }> },
    store: {
      run: (sql, parameters) =>
        link.call("storeRun", { sql, parameters }) as Promise<{ changes: number }>,
      all: (sql, parameters) =>
        link.call("storeAll", { sql, parameters }) as ReturnType<Host["store"]["all"]>,
    },
    call: (...[service, method, params, callSignal]: Parameters<Host["call"]>) =>
      link.call("call", { service, method, params }, callSignal),
    // Opened when it is first read, as in the main thread.
    async *stream(
      ...[service, method, params, callSignal]: Parameters<Host["stream"]>
    ): AsyncGenerator<unknown, void, undefined> {
      yield* link.stream("stream", { service, method, params }, callSignal);
    },
    serve: (offered) => serve(offered, { link, methods }),
    announce: (name, address) => link.tell("announce", { name, address }),
  };
}

async function serve(
  offered: Methods,
  parts: { readonly link: ThreadLink; readonly methods: Map<string, Method> },
): Promise<void> {
  const entries = Object.entries(offered);
  for (const [name, method] of entries) parts.methods.set(name, method);
  const faces: OfferedMethod[] = entries.map(([name, method]) => ({
    name,
    kind: method.kind,
    document: describeMethod(name, method),
  }));
  await parts.link.call("serve", faces);
}

function workerLog(link: ThreadLink): Log {
  function write(level: keyof Log): Log[keyof Log] {
    // Redacted here already, so that secrets stay in their thread and all values can be cloned.
    return (message, properties = {}) =>
      link.tell("log", { level, message, properties: redactProperties(properties) });
  }
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

function workerMetrics(link: ThreadLink): Metrics {
  function sampler(
    type: MetricSample["type"],
    options: MetricSample["options"],
  ): (value: number, labels?: MetricSample["labels"]) => void {
    const made: MetricSample = { type, options };
    link.tell("metric", made);
    return (value, labels) =>
      link.tell("metric", { ...made, value, ...(labels === undefined ? {} : { labels }) });
  }
  return {
    counter: (options) => {
      const sample = sampler("counter", options);
      return { add: (amount, labels) => sample(amount ?? 1, labels) };
    },
    gauge: (options) => ({ set: sampler("gauge", options) }),
    histogram: (options) => ({ observe: sampler("histogram", options) }),
    expose: () => link.call("expose", undefined) as ReturnType<Metrics["expose"]>,
  };
}

function workerBus(link: ThreadLink): Bus {
  return {
    publish: (topic, payload) => link.tell("publish", { topic, payload }),
    subscribe: (topic, { signal, replay = 0 }) =>
      link.stream("subscribe", { topic, replay }, signal) as ReturnType<Bus["subscribe"]>,
  };
}
