/**
 * Nodes of a mesh in memory that compute one model together: kernels with the real inference service,
 * each with files of its own, which can be started again; what the services "network", "parts" and
 * "control" say is made here.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { encodeHex } from "../../../src/hot/mod.ts";
import { identityFromSeed } from "../../../src/identity/mod.ts";
import type { Identity } from "../../../src/identity/mod.ts";
import { createKernel, implement, silentLog } from "../../../src/kernel/mod.ts";
import type { Kernel, Service } from "../../../src/kernel/mod.ts";
import { resolvePaths } from "../../../src/node/mod.ts";
import type { NodePaths } from "../../../src/node/mod.ts";
import { realClock, realDisk, realNetwork, realRandom } from "../../../src/ports/mod.ts";
import type { Clock, MeshNetwork } from "../../../src/ports/mod.ts";
import {
  createInferenceService,
  inferenceConfig,
  receiptEvent,
} from "../../../src/services/inference/mod.ts";
import type { Engine } from "../../../src/services/inference/mod.ts";
import { networkContract, peersTopic } from "../../../src/services/network/mod.ts";
import type { PeerList } from "../../../src/services/network/mod.ts";
import { partsContract } from "../../../src/services/parts/mod.ts";
import type { FetchItem } from "../../../src/services/parts/mod.ts";
import { MeshMedium, SeededRandom } from "../../../src/sim/mod.ts";

type Capabilities = PeerList["self"]["capabilities"];
type InferenceInput = v.InferInput<typeof inferenceConfig>;

/** What all nodes answer for. */
export interface NodeModel {
  readonly path: string;
  readonly root: string;
  readonly layerCount: number;
}

const nothing: Capabilities = {
  protocols: [],
  numericClasses: [],
  models: [],
  freeSlots: null,
  headroom: null,
  memoryFreeBytes: null,
  logHead: null,
};

/** A node, while it runs and between. */
export class MeshNode {
  readonly home: string;
  readonly identity: Identity;
  readonly key: string;
  readonly paths: NodePaths;
  readonly config: InferenceInput;
  readonly engine: Engine | undefined;
  capabilities: Capabilities = nothing;
  running: { readonly kernel: Kernel; readonly mesh: MeshNetwork } | undefined;

  constructor(
    options: {
      readonly home: string;
      readonly seed: number;
      readonly config: InferenceInput;
      readonly engine?: Engine | undefined;
    },
  ) {
    this.home = options.home;
    this.identity = identityFromSeed(new Uint8Array(32).fill(options.seed));
    this.key = encodeHex(this.identity.publicKey);
    this.paths = resolvePaths(() => undefined, { home: options.home });
    this.config = options.config;
    this.engine = options.engine;
    for (const directory of Object.values(this.paths.directories)) {
      mkdirSync(directory, { recursive: true });
    }
  }

  get kernel(): Kernel {
    if (this.running === undefined) throw new TypeError("The node does not run");
    return this.running.kernel;
  }
}

/** The nodes and what is between them. */
export class NodeMesh {
  readonly folder = mkdtempSync(join(tmpdir(), "sk-"));
  /** Milliseconds that a test lets pass beside those of real time. */
  skippedMs = 0;
  readonly clock: Clock = this.#clock();
  readonly medium = new MeshMedium({
    clock: this.clock,
    random: new SeededRandom(3),
    latencyMs: 0,
    detectMs: 100,
  });
  readonly #model: NodeModel;
  readonly #nodes: MeshNode[] = [];
  /** What the nodes journalled. */
  readonly journal: { readonly chi: string; readonly rid: string; readonly body: unknown }[] = [];
  readonly #waiting = new Map<string, () => void>();
  /** The clock's timers keep no process alive. */
  readonly #alive = setInterval(() => {}, 1000);

  constructor(model: NodeModel) {
    this.#model = model;
  }

  /** One more node, linked with all. */
  async add(config: InferenceInput, engine?: Engine): Promise<MeshNode> {
    const seed = this.#nodes.length + 1;
    const node = new MeshNode({ home: join(this.folder, `n${seed}`), seed, config, engine });
    this.#nodes.push(node);
    await this.start(node);
    return node;
  }

  /** Starts a node that does not run, on the files that it has. */
  async start(node: MeshNode): Promise<void> {
    const { key, identity, paths: { directories } } = node;
    const mesh = this.medium.node(key);
    const gate = { admits: (): boolean => true, allows: (): boolean => true };
    await mesh.listen({ tcp: false, iroh: false, meshId: key }, gate);
    const signal = new AbortController().signal;
    for (const other of this.#nodes) {
      if (other.running !== undefined) await mesh.dial(other.key, { addresses: [], signal });
    }
    const inference = createInferenceService(
      node.engine === undefined ? {} : { engine: node.engine },
    );
    const kernel = createKernel({
      services: [
        { service: this.#network(node), config: {} },
        { service: this.#parts(), config: {} },
        { service: control, config: {} },
        { service: inference, config: v.parse(inferenceConfig, node.config) },
      ],
      clock: this.clock,
      random: realRandom(),
      disk: realDisk(),
      network: realNetwork(),
      mesh,
      identity: {
        hid: identity.hid,
        key,
        sign: (purpose, bytes) => Promise.resolve(identity.sign(purpose, bytes)),
      },
      directories,
      log: silentLog(this.clock),
      version: "0.0.0",
      journalFor: () => ({
        append: ({ chi, rid, body }) => {
          this.journal.push({ chi, rid: String(rid), body });
          if (chi === receiptEvent) this.#waiting.get(String(rid))?.();
          return Promise.resolve({ sequence: this.journal.length });
        },
      }),
      storeFor: () => ({ run: noStore, all: noStore }),
    });
    node.running = { kernel, mesh };
    await kernel.start();
    const { hid } = identity;
    writeFileSync(
      node.paths.runtimeFile,
      JSON.stringify({
        ...{ pid: 1, version: "0.0.0", thrumVersion: "1", hid, startedAtMs: 0, addresses: {} },
        sockets: directories.sockets,
      }),
    );
  }

  /** Stops a node; its files stay. */
  async stop(node: MeshNode): Promise<void> {
    const running = this.#takeOut(node);
    await running?.kernel.stop();
    await running?.mesh.close();
    if (running !== undefined) this.#tell();
  }

  /** Ends a node without a word to the others. */
  async kill(node: MeshNode): Promise<void> {
    this.medium.crash(node.key);
    const running = this.#takeOut(node);
    this.#tell();
    await running?.kernel.stop();
  }

  /** Resolves when the receipt of the request that a node calls `rid` is kept. */
  async receiptOf(rid: string): Promise<void> {
    if (this.journal.some((event) => event.chi === receiptEvent && event.rid === rid)) return;
    await new Promise<void>((resolve) => this.#waiting.set(rid, resolve));
  }

  async close(): Promise<void> {
    for (const node of this.#nodes) await this.stop(node);
    clearInterval(this.#alive);
    rmSync(this.folder, { recursive: true });
  }

  #takeOut(node: MeshNode): MeshNode["running"] {
    const { running } = node;
    if (running === undefined) return undefined;
    node.running = undefined;
    node.capabilities = nothing;
    rmSync(node.paths.runtimeFile);
    return running;
  }

  #clock(): Clock {
    const real = realClock();
    return {
      nowMs: () => real.nowMs(),
      monotonicMs: () => real.monotonicMs() + this.skippedMs,
      after: (delayMs, fn) => real.after(delayMs, fn),
      sleep: (delayMs, signal) => real.sleep(delayMs, signal),
    };
  }

  #tell(): void {
    for (const node of this.#nodes) {
      node.running?.kernel.bus.publish(peersTopic, this.#listFor(node));
    }
  }

  #listFor({ key, identity: { hid }, capabilities }: MeshNode): PeerList {
    const others = this.#nodes.filter((one) => one.running !== undefined && one.key !== key);
    const peers = others.map((one) => ({
      key: one.key,
      hid: one.identity.hid,
      trust: "own" as const,
      state: "linked" as const,
      ...{ sinceMs: 0, roundTripMs: 1, addresses: [] },
      capabilities: one.capabilities,
    }));
    return { self: { key, hid, capabilities }, peers } as PeerList;
  }

  #network(node: MeshNode): Service {
    return serviceOf("network", async (host) => {
      await host.serve(implement({
        "mesh.status": networkContract["mesh.status"],
        "capabilities.set": networkContract["capabilities.set"],
      }, {
        "mesh.status": () =>
          Promise.resolve({
            state: "member" as const,
            ...{ mesh: node.key, key: node.key, hid: node.identity.hid },
            ...{ rosterVersion: 1, memberCount: 1, addresses: [], missing: [] },
            ...{ openInvitations: 0, refusals: {} },
          }),
        "capabilities.set": ({ capabilities: { models = [], memoryFreeBytes = null } }) => {
          node.capabilities = { ...nothing, models, memoryFreeBytes };
          this.#tell();
          return Promise.resolve({ changed: true });
        },
      }));
      host.bus.publish(peersTopic, this.#listFor(node));
    });
  }

  #parts(): Service {
    const { root, path, layerCount } = this.#model;
    const held = {
      ...{ root, path, layerCount, name: "tiny", sizeBytes: 1 },
      layers: { from: 0, to: layerCount },
      ...{ embedding: true, head: true, complete: true },
    };
    return serviceOf("parts", (host) =>
      host.serve(implement(partsContract, {
        "parts.list": () => Promise.resolve([]),
        "parts.adopt": () => Promise.resolve(held),
        "parts.fetch": async function* (): AsyncGenerator<FetchItem> {
          await Promise.resolve();
          yield { type: "done" as const, held };
        },
      })));
  }
}

/** By its socket a node is found. */
const control = serviceOf("control", (host) => host.serve({}));

function serviceOf(
  name: string,
  serve: (host: Parameters<Service["run"]>[1]) => Promise<void>,
): Service {
  return {
    name,
    config: v.strictObject({}),
    needs: [],
    critical: false,
    run: async (_config, host) => {
      await serve(host);
      host.ready();
      await new Promise<void>((resolve) => {
        host.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    },
  };
}

function noStore(): never {
  throw new TypeError("These services have no tables");
}
