/** A mesh in memory whose nodes hold layers of a fixture. */
import { createReferenceExecutor, loadExecutor, tokenChainSeed } from "../../src/engine/mod.ts";
import type { ModelExecutor } from "../../src/engine/mod.ts";
import { identityFromSeed } from "../../src/identity/mod.ts";
import type { Identity } from "../../src/identity/mod.ts";
import type { Clock, MeshGate, MeshNetwork, PeerKey } from "../../src/ports/mod.ts";
import { realClock } from "../../src/ports/mod.ts";
import { ReceiptWitness, serveReceipts } from "../../src/receipts/mod.ts";
import { MeshMedium, SeededRandom } from "../../src/sim/mod.ts";
import { createHoldingsRouter, PipelineExecutor, StageServer } from "../../src/stages/mod.ts";
import type {
  Holding,
  PipelineEvent,
  PipelineOptions,
  RouteNeed,
  StageServerOptions,
} from "../../src/stages/mod.ts";
import { keyOf } from "../../src/stages/stage_open.ts";
import { openFixture } from "../engine/_fixtures.ts";
import type { Fixture } from "../engine/_fixtures.ts";

/** A root, as nobody looks into the file here. */
export const clusterRoot = "5a".repeat(32);

/** A part at a node. */
export interface NodePart {
  readonly from: number;
  readonly to: number;
  /** @default where layer 0 is */
  readonly embedding?: boolean;
  /** @default where the last layer is */
  readonly head?: boolean;
}

/** A node of the cluster. */
export interface ClusterNode {
  readonly key: PeerKey;
  readonly identity: Identity;
  readonly mesh: MeshNetwork;
  readonly server: StageServer;
  readonly witness: ReceiptWitness;
  readonly executor: ModelExecutor | undefined;
  readonly holding: Holding | undefined;
  isUp: boolean;
}

/** How a cluster is made. */
export interface ClusterOptions {
  /** @default "stories260K-q8_0" */
  readonly fixture?: string;
  readonly clock?: Clock;
  readonly latencyMs?: number;
  readonly detectMs?: number;
  /** The reference executor computes at once, in virtual time too. */
  readonly executors?: "wasm" | "reference";
  readonly server?: Partial<StageServerOptions>;
  readonly kvBytesMax?: number;
}

const openGate: MeshGate = { admits: () => true, allows: () => true };

/** Nodes, links and executors; `close` gives all back. */
export class Cluster {
  readonly medium: MeshMedium;
  readonly clock: Clock;
  readonly random = new SeededRandom(11);
  readonly nodes: ClusterNode[] = [];
  readonly pipelines: PipelineExecutor[] = [];
  readonly fixture: Fixture;
  readonly #options: ClusterOptions;
  /** The clock's timers keep no process alive. */
  readonly #alive = setInterval(() => {}, 1000);

  private constructor(fixture: Fixture, options: ClusterOptions) {
    this.#options = options;
    this.fixture = fixture;
    this.clock = options.clock ?? realClock();
    this.medium = new MeshMedium({
      clock: this.clock,
      random: new SeededRandom(5),
      latencyMs: options.latencyMs ?? 0,
      detectMs: options.detectMs ?? 300,
    });
  }

  /** A cluster with a node for each part; undefined is a node that holds none. */
  static async create(
    parts: readonly (NodePart | undefined)[],
    options: ClusterOptions = {},
  ): Promise<Cluster> {
    const fixture = await openFixture(options.fixture ?? "stories260K-q8_0");
    const cluster = new Cluster(fixture, options);
    for (const part of parts) await cluster.add(part);
    return cluster;
  }

  get seed(): Uint8Array {
    return tokenChainSeed({ numericClass: "skep-q8a/1", root: clusterRoot });
  }

  node(index: number): ClusterNode {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`There is no node ${index}`);
    return node;
  }

  /** One more node, linked with all. */
  async add(part: NodePart | undefined, seed = this.nodes.length + 1): Promise<ClusterNode> {
    const identity = identityFromSeed(new Uint8Array(32).fill(seed));
    const key = keyOf(identity);
    const mesh = this.medium.node(key);
    await mesh.listen({ tcp: false, iroh: false, meshId: key }, openGate);
    const witness = new ReceiptWitness({ self: key, signer: identity, clock: this.clock });
    serveReceipts({ mesh, witness });
    const server = new StageServer({ mesh, clock: this.clock, witness, ...this.#options.server });
    const executor = part === undefined ? undefined : await this.load(part);
    const holding = part === undefined ? undefined : this.holdingOf(key, part);
    if (executor !== undefined && holding !== undefined) {
      const { embedding, head } = holding;
      server.hold({ root: clusterRoot, executor, embedding, head });
    }
    const node = { key, identity, mesh, server, witness, executor, holding, isUp: true };
    const others = this.nodes.filter(({ isUp }) => isUp);
    this.nodes.push(node);
    await Promise.all(
      others.map((other) =>
        mesh.dial(other.key, { addresses: [], signal: new AbortController().signal })
      ),
    );
    return node;
  }

  holdingOf(peer: PeerKey, { from, to, embedding, head }: NodePart): Holding {
    const { layerCount } = this.fixture.shape;
    return {
      peer,
      from,
      to,
      embedding: embedding ?? from === 0,
      head: head ?? to === layerCount,
    };
  }

  /** An executor of some layers. */
  load(part?: NodePart): Promise<ModelExecutor> {
    const { fixture } = this;
    const { kvBytesMax, executors } = this.#options;
    const layers = part === undefined ? {} : { layers: { from: part.from, to: part.to } };
    if (executors === "reference") return createReferenceExecutor({ ...fixture, ...layers });
    return loadExecutor({
      ...fixture,
      ...layers,
      threads: 1,
      ...(part?.embedding === undefined ? {} : { embedding: part.embedding }),
      ...(part?.head === undefined ? {} : { head: part.head }),
      ...(kvBytesMax === undefined ? {} : { kvBytesMax }),
    });
  }

  /** A pipeline at a node over all nodes that it is linked with. */
  pipeline(
    index = 0,
    options: Partial<PipelineOptions> & { readonly events?: PipelineEvent[] } = {},
  ): PipelineExecutor {
    const { mesh, identity, witness, executor, holding } = this.node(index);
    const { events, ...rest } = options;
    const local = executor === undefined || holding === undefined ? {} : {
      local: {
        root: clusterRoot,
        executor,
        embedding: holding.embedding,
        head: holding.head,
      },
    };
    const pipeline = new PipelineExecutor({
      shape: this.fixture.shape,
      numericClass: "skep-q8a/1",
      root: clusterRoot,
      mesh,
      clock: this.clock,
      random: this.random,
      identity,
      witness,
      router: createHoldingsRouter(() => this.holdings(index)),
      ...local,
      ...(events === undefined
        ? {}
        : { onEvent: (event: PipelineEvent) => void events.push(event) }),
      ...rest,
    });
    this.pipelines.push(pipeline);
    return pipeline;
  }

  /** What can be reached from a node. */
  holdings(index: number, _need?: RouteNeed): Holding[] {
    const { mesh, key } = this.node(index);
    const reached = new Set([key, ...mesh.peers().map((peer) => peer.key)]);
    return this.nodes.flatMap(({ holding }) =>
      holding !== undefined && reached.has(holding.peer) ? [holding] : []
    );
  }

  /** Ends a node without a word. */
  kill(index: number): void {
    const node = this.node(index);
    node.isUp = false;
    this.medium.crash(node.key, "process");
  }

  /** Pages in use at all nodes that are up. */
  usedPages(): number[] {
    return this.nodes.filter(({ isUp }) => isUp).map(({ executor }) => executor?.pages().used ?? 0);
  }

  async close(): Promise<void> {
    clearInterval(this.#alive);
    for (const pipeline of this.pipelines) pipeline.close();
    for (const { server, mesh, executor } of this.nodes) {
      server.close();
      await mesh.close();
      executor?.close();
    }
  }
}

/** Parts of `count` layers each, or nearly. */
export function splitOf(layerCount: number, count: number): NodePart[] {
  return Array.from({ length: count }, (_, i) => ({
    from: Math.round(i * layerCount / count),
    to: Math.round((i + 1) * layerCount / count),
  }));
}
