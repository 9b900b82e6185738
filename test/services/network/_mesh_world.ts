/** Nodes with the network service alone, over a simulated mesh and in virtual time. */
import { createKernel, createLog } from "../../../src/kernel/mod.ts";
import type { HostIdentity, Kernel, PlacedService } from "../../../src/kernel/mod.ts";
import { encodeHex } from "../../../src/hot/mod.ts";
import { identityFromSeed } from "../../../src/identity/mod.ts";
import type { Identity } from "../../../src/identity/mod.ts";
import type { MeshNetwork } from "../../../src/ports/mod.ts";
import * as v from "valibot";
import {
  createNetworkService,
  eventsTopic,
  networkConfig,
} from "../../../src/services/network/mod.ts";
import type {
  Invited,
  MeshStatus,
  NetworkEvent,
  NetworkServiceOptions,
  PeerList,
} from "../../../src/services/network/mod.ts";
import {
  MemoryNetwork,
  MeshMedium,
  ModelledDisk,
  SeededRandom,
  VirtualClock,
} from "../../../src/sim/mod.ts";
import type { MeshMediumOptions } from "../../../src/sim/mod.ts";

/** How a world is made. */
export interface WorldOptions {
  readonly seed?: number;
  readonly medium?: Partial<MeshMediumOptions>;
}

/** What a node of a test may differ in. */
export interface NodeOptions {
  readonly config?: v.InferInput<typeof networkConfig>;
  readonly service?: NetworkServiceOptions;
  /** Services beside it. */
  readonly services?: readonly PlacedService[];
  /** Another life on the same disk. @default a new disk */
  readonly disk?: ModelledDisk;
  /** Another clock, say a wrong one. @default the world's */
  readonly wallOffsetMs?: number;
  readonly mesh?: MeshNetwork;
}

/** The identity of the node with a number. */
export function identityOf(number: number): Identity {
  const seed = new Uint8Array(32).fill(7);
  new DataView(seed.buffer).setUint32(0, number);
  return identityFromSeed(seed);
}

/** What a host gives of an identity. */
export function hostIdentityOf(identity: Identity): HostIdentity {
  return {
    hid: identity.hid,
    key: encodeHex(identity.publicKey),
    sign: (purpose, bytes) => Promise.resolve(identity.sign(purpose, bytes)),
  };
}

/** A running node. */
export class TestNode {
  readonly key: string;
  readonly kernel: Kernel;
  readonly disk: ModelledDisk;
  readonly network = new MemoryNetwork();
  readonly mesh: MeshNetwork;
  readonly lines: string[] = [];
  readonly events: NetworkEvent[] = [];
  readonly journal: { chi: string; body: unknown }[] = [];
  readonly #world: MeshWorld;

  constructor(world: MeshWorld, number: number, options: NodeOptions = {}) {
    const identity = hostIdentityOf(identityOf(number));
    const { clock, medium } = world;
    this.#world = world;
    this.key = identity.key;
    this.disk = options.disk ?? new ModelledDisk();
    this.mesh = options.mesh ?? medium.node(this.key);
    const offsetMs = options.wallOffsetMs ?? 0;
    const own = offsetMs === 0 ? clock : {
      nowMs: () => clock.nowMs() + offsetMs,
      monotonicMs: () => clock.monotonicMs(),
      after: clock.after.bind(clock),
      sleep: clock.sleep.bind(clock),
    };
    this.kernel = createKernel({
      services: [{
        service: createNetworkService(options.service ?? {}),
        config: v.parse(networkConfig, options.config ?? {}),
      }, ...options.services ?? []],
      clock: own,
      random: new SeededRandom(world.seed * 1000 + number),
      disk: this.disk,
      network: this.network,
      mesh: this.mesh,
      identity,
      log: createLog({ clock, level: "debug", write: (line) => void this.lines.push(line) }),
      directories: { config: "/c", state: "/s", data: "/d", models: "/m", sockets: "/run/s" },
      version: "1.2.3",
      journalFor: () => ({
        append: (event): Promise<{ sequence: number }> => {
          this.journal.push(event);
          return Promise.resolve({ sequence: this.journal.length });
        },
      }),
      storeFor: () => ({
        run: () => Promise.resolve({ changes: 0 }),
        all: () => Promise.resolve([]),
      }),
    });
    void this.#follow();
  }

  call<T>(method: string, params: unknown = {}): Promise<T> {
    return this.#world.until(this.kernel.call("network", method, { params }) as Promise<T>);
  }

  invite(params: { trust?: "own" | "member"; expiresMs?: number } = {}): Promise<Invited> {
    return this.call("mesh.invite", params);
  }

  join(ticket: string, more: { leave?: boolean } = {}): Promise<unknown> {
    return this.call("mesh.join", { ticket, ...more });
  }

  status(): Promise<MeshStatus> {
    return this.call("mesh.status");
  }

  peers(all = true): Promise<PeerList> {
    return this.call("peers.list", { all });
  }

  /** States of the others, by the beginning of their keys. */
  async states(): Promise<Record<string, string>> {
    const { peers } = await this.peers();
    return Object.fromEntries(peers.map(({ key, state }) => [key, state]));
  }

  async linkedKeys(): Promise<string[]> {
    const { peers } = await this.peers();
    return peers.filter(({ state }) => state === "linked").map(({ key }) => key).sort();
  }

  async stop(): Promise<void> {
    await this.#world.until(this.kernel.stop());
  }

  async #follow(): Promise<void> {
    const { signal } = new AbortController();
    for await (const { payload } of this.kernel.bus.subscribe(eventsTopic, { signal })) {
      this.events.push(payload as NetworkEvent);
    }
  }
}

/** A world of nodes. */
export class MeshWorld {
  readonly clock = new VirtualClock();
  readonly seed: number;
  readonly medium: MeshMedium;
  readonly nodes: TestNode[] = [];

  constructor(options: WorldOptions = {}) {
    this.seed = options.seed ?? 1;
    const random = new SeededRandom(this.seed);
    this.medium = new MeshMedium({ clock: this.clock, random, latencyMs: 5, ...options.medium });
  }

  /** Boots node `number`. */
  async boot(number: number, options: NodeOptions = {}): Promise<TestNode> {
    const node = new TestNode(this, number, options);
    this.nodes.push(node);
    await this.until(node.kernel.start());
    return node;
  }

  /** Boots `count` nodes, of which the first has invited the others. */
  async mesh(count: number, options: NodeOptions = {}): Promise<TestNode[]> {
    const nodes: TestNode[] = [];
    for (let i = 1; i <= count; i++) {
      const node = await this.boot(i, options);
      if (i > 1) await node.join((await (nodes[0] ?? node).invite()).ticket);
      nodes.push(node);
    }
    await this.clock.advance(3_000);
    return nodes;
  }

  /** Lets time pass until a promise has settled. */
  async until<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    let isDone = false;
    const end = (): void => void (isDone = true);
    promise.then(end, end);
    const endMs = this.clock.monotonicMs() + limitMs;
    for (let i = 0; !isDone; i++) {
      if (this.clock.monotonicMs() > endMs) throw new TypeError("Waited too long, virtually");
      await this.clock.advance(i < 20 ? 0 : 20);
    }
    return await promise;
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop().catch(() => {});
  }
}
