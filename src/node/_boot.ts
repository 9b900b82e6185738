/**
 * The boot order: paths, configuration, single instance, identity, store, journal, services,
 * runtime.json, ready. Each failing step undoes what came before, in reverse; so does the stop.
 */
import { pid } from "../platform/mod.ts";
import { createKernel, createLog, silentLog } from "../kernel/mod.ts";
import type { Kernel, NodeLog, Service } from "../kernel/mod.ts";
import { identityFromSeed, openIdentity } from "../identity/mod.ts";
import type { Identity } from "../identity/mod.ts";
import type { MeshNetwork } from "../ports/mod.ts";
import { createControlService } from "../services/control/mod.ts";
import { createJournalService } from "../services/journal/mod.ts";
import { modelsService } from "../services/models/mod.ts";
import { chosenServices } from "./_chosen_services.ts";
import type { Configuration } from "./configuration.ts";
import { openNodeJournal, openNodeStore } from "./_durable_state.ts";
import type { NodeJournal, NodeStore } from "./_durable_state.ts";
import { followProgress } from "./_progress.ts";
import { LiveNode } from "./_live_node.ts";
import { refuseTakenPorts, takenPortOr } from "./_port_check.ts";
import { portsOf } from "./_ports.ts";
import type { NodePorts } from "./_ports.ts";
import { prepareDirectories } from "./_directories.ts";
import { takeInstance } from "./instance.ts";
import { startRecord } from "./_start_record.ts";
import { startSystemdNotifier } from "./_systemd.ts";
import { UndoStack } from "./_undo_stack.ts";
import { hostIdentity } from "./_host_identity.ts";
import { nodeMesh, peerRowOf } from "./_mesh.ts";
import { nodeWorkers, placedServices, refuseWorkersBesidePorts } from "./_workers.ts";
import type { NodeConfig } from "./config_types.ts";
import { loadNodeConfiguration } from "./node_configuration.ts";
import { NodeError } from "./node_error.ts";
import { nodeServices } from "./node_services.ts";
import { ownSettings } from "./_own_settings.ts";
import type { OwnSettings } from "./_own_settings.ts";
import { resolvePaths } from "./paths.ts";
import type { NodePaths } from "./paths.ts";
import type { RunOptions } from "./run_options.ts";
import type { RunningNode } from "./running_node.ts";
import { readRuntimeInfo, removeRuntimeInfo, writeRuntimeInfo } from "./runtime_file.ts";
import { thrumVersion, version } from "./version.ts";

/** Boots a node: see `run`. */
export async function boot(config: NodeConfig, options: RunOptions): Promise<RunningNode> {
  const ports = portsOf(options);
  const paths = placesOf(ports, options);
  const { bootstrapPeers: rows } = options;
  const services = [...nodeServices({ rows: rows?.map(peerRowOf) }), ...options.services ?? []];
  const configuration = await configure({ config, options, ports, paths, services });
  const own = ownSettings(configuration.values);
  refuseWorkersBesidePorts({ own, options, settings: configuration.settings });
  const log = logOf(own, { options, ports });
  const undo = new UndoStack();
  try {
    const diskIsReal = options.disk === undefined;
    const known = {
      config,
      options,
      ports,
      paths,
      services,
      configuration,
      own,
      log,
      undo,
      diskIsReal,
    };
    return await bootSteps(known);
  } catch (thrown) {
    await undo.unwind(log);
    throw thrown;
  }
}

interface Boot {
  readonly config: NodeConfig;
  readonly options: RunOptions;
  readonly ports: NodePorts;
  readonly paths: NodePaths;
  readonly services: readonly Service[];
  readonly configuration: Configuration;
  readonly own: OwnSettings;
  readonly log: NodeLog;
  readonly undo: UndoStack;
  readonly diskIsReal: boolean;
}

async function bootSteps(boot: Boot): Promise<RunningNode> {
  const { options, ports, paths, log, undo } = boot;
  const startedAtMs = ports.clock.nowMs();
  if (paths.socketsReplaced !== undefined) {
    const { sockets } = paths.directories;
    log.warn("The socket directory is too long and was replaced", {
      asked: paths.socketsReplaced,
      used: sockets,
    });
  }
  await step("paths", "create the node's directories", () => prepareDirectories(paths, ports));
  const instance = await takeInstance(paths, { ...ports, locks: boot.diskIsReal });
  undo.push("instance lock", () => instance.release());
  await forgetStale(boot);
  options.signal?.throwIfAborted();
  if (options.only === undefined || options.only.includes("api")) await refuseTakenPorts(boot);
  const identity = await step("identity", "load the node's key", () => identityOf(boot));
  const store = await step("store", "open the tables", () => openNodeStore(boot));
  undo.push("store", () => store.close());
  const journal = await step("journal", "open the journal", () => openNodeJournal(boot, identity));
  undo.push("journal", () => journal.close());
  options.signal?.throwIfAborted();
  const mesh = await step("identity", "read the key for the mesh", () => nodeMesh(boot));
  undo.push("mesh", () => mesh.close());
  const node = makeNode({ ...boot, identity, store, journal, mesh, startedAtMs });
  undo.push("services", () => node.stopServices());
  await startServices(node, boot);
  const runtime = { disk: ports.disk, path: paths.runtimeFile };
  await step("runtime-file", "write runtime.json", () =>
    writeRuntimeInfo(runtime, {
      pid: pid(),
      version,
      thrumVersion,
      hid: identity.hid,
      startedAtMs,
      addresses: { ...node.addresses },
      sockets: paths.directories.sockets,
      startedWith: startRecord(boot.config, options),
    }));
  undo.push("runtime.json", () => removeRuntimeInfo(runtime));
  await beReady(node, boot);
  return node;
}

function makeNode(
  parts: Boot & {
    readonly identity: Identity;
    readonly store: NodeStore;
    readonly journal: NodeJournal;
    readonly mesh: MeshNetwork;
    readonly startedAtMs: number;
  },
): LiveNode {
  const { configuration, journal, paths, ports, own, log, identity, startedAtMs, undo } = parts;
  const control = createControlService({
    status: () => node.status(),
    requestStop: (stop) => void node.stop(stop),
    journalStatus: () => Promise.resolve(journal.status()),
    configuration: () => configuration.settings,
  });
  const reading = createJournalService({
    status: () => journal.status(),
    tail: (count) => journal.reader.tail(count),
    range: (range) => journal.reader.range(range),
    verify: () => journal.reader.verify(),
    head: () => journal.reader.head(),
    prove: (request) => journal.reader.prove(request),
  });
  // These have no settings: a section of the same name is the node's own.
  const without = [control, ...[reading, modelsService].map(afterControl)];
  const configured = parts.services.map(afterControl);
  const services = chosenServices([
    ...without.map((service) => ({ service, config: {} })),
    ...configured.map((service) => ({ service, config: configuration.values[service.name] ?? {} })),
  ], parts.options.only);
  const kernel: Kernel = createKernel({
    ...ports,
    mesh: parts.mesh,
    identity: hostIdentity(identity),
    services: placedServices(services, own),
    worker: nodeWorkers(own),
    directories: paths.directories,
    log,
    version,
    journalFor: () => journal.access,
    storeFor: () => parts.store.access,
    limits: { startTimeoutMs: own.node.startMsMax, drainTimeoutMs: own.node.drainMsMax },
  });
  const { clock } = ports;
  const node = new LiveNode({ kernel, clock, identity, paths, startedAtMs, undo, log });
  return node;
}

/** The control socket answers before everything else starts, and until everything else has ended. */
function afterControl(service: Service): Service {
  return {
    name: service.name,
    ...(service.description === undefined ? {} : { description: service.description }),
    config: service.config,
    needs: [...service.needs, "control"],
    ...(service.outlives === undefined ? {} : { outlives: service.outlives }),
    critical: service.critical,
    run: (config, host) => service.run(config, host),
  };
}

/** Waits until the services are ready, the boot is called off, or one of them has failed for good. */
async function startServices(node: LiveNode, boot: Boot): Promise<void> {
  const { signal, onProgress } = boot.options;
  const giveUp = (): void => void node.stopServices();
  signal?.addEventListener("abort", giveUp, { once: true });
  const endProgress = followProgress(node.kernel.bus, onProgress);
  try {
    await step("service", "start the services", () => node.kernel.start());
    signal?.throwIfAborted();
  } catch (thrown) {
    throw signal?.aborted === true ? signal.reason : takenPortOr(thrown, boot);
  } finally {
    endProgress();
    signal?.removeEventListener("abort", giveUp);
  }
}

async function beReady(node: LiveNode, boot: Boot): Promise<void> {
  const { options: { signal }, ports, log, undo } = boot;
  const notifier = await startSystemdNotifier({ ...ports, log, isHealthy: () => node.isHealthy() });
  undo.push("systemd", () => notifier.stop());
  node.watch({ signal, onStopping: () => void notifier.stop() });
  log.info("Ready", { hid: node.hid, ...node.addresses });
}

async function identityOf({ options, ports, paths }: Boot): Promise<Identity> {
  if (options.key !== undefined) return identityFromSeed(options.key);
  return await openIdentity({ disk: ports.disk, random: ports.random, path: paths.keyFile });
}

/** A runtime.json that is here while we hold the lock belongs to a node that was killed. */
async function forgetStale({ ports, paths, log }: Boot): Promise<void> {
  const file = { disk: ports.disk, path: paths.runtimeFile };
  await step("runtime-file", "remove a stale runtime.json", async () => {
    const stale = await readRuntimeInfo(file);
    await removeRuntimeInfo(file);
    if (stale !== undefined) log.warn("The last node did not stop cleanly", { pid: stale.pid });
  });
}

function placesOf(ports: NodePorts, options: RunOptions): NodePaths {
  const { home, configFile } = options;
  return resolvePaths(ports.environment, {
    home,
    configFile: configFile === false ? undefined : configFile,
  });
}

function configure(
  about: {
    readonly config: NodeConfig;
    readonly options: RunOptions;
    readonly ports: NodePorts;
    readonly paths: NodePaths;
    readonly services: readonly Service[];
  },
): Promise<Configuration> {
  const { options, ports, paths, services } = about;
  return loadNodeConfiguration({
    paths,
    services,
    environment: ports.environment,
    disk: ports.disk,
    file: options.configFile === false
      ? "none"
      : options.configFile === undefined
      ? "optional"
      : "required",
    config: withOverrides(about.config, options),
    flags: options.flags ?? {},
  });
}

/** `capacity` and `metricsListen` are short names of settings. */
function withOverrides(config: NodeConfig, options: RunOptions): NodeConfig {
  const { capacity, metricsListen } = options;
  const { inference, api } = config;
  const slots = capacity === undefined ? {} : { slots: capacity };
  // With no slot nobody is ever served, so nobody may wait either.
  const queue = capacity === 0 ? { queueMax: 0 } : {};
  const metrics = typeof metricsListen === "string" ? { metricsListen } : {};
  const all: NodeConfig = {
    ...config,
    ...(capacity === undefined ? {} : { inference: { ...inference, ...slots, ...queue } }),
    ...(typeof metricsListen === "string" ? { api: { ...api, ...metrics } } : {}),
  };
  return all;
}

function logOf(
  own: OwnSettings,
  about: { readonly options: RunOptions; readonly ports: NodePorts },
): NodeLog {
  const target = about.options.log;
  if (target === undefined) return silentLog(about.ports.clock);
  const auto = target.form ?? "json";
  return createLog({
    clock: about.ports.clock,
    write: target.write,
    level: target.level ?? own.log.level,
    form: own.log.form === "auto" ? auto : own.log.form,
  });
}

async function step<T>(code: NodeError["code"], doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw NodeError.from(thrown, { code, doing });
  }
}
