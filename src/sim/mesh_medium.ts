/**
 * A simulated mesh: what lies between the nodes. Latency, loss, partitions and crashes are seeded and
 * in the clock's time; with a virtual clock a run repeats event for event.
 *
 * Streams are as TCP gives them: in order and whole, so a lost packet is a later one. Gossip may be
 * lost. Keys are taken for proven: there is no cryptography here.
 */
import { encodeHex } from "../hot/mod.ts";
import { MeshError } from "../ports/mod.ts";
import type { Clock, MeshNetwork, PeerKey } from "../ports/mod.ts";
import { MeshLink } from "./_mesh_link.ts";
import type { LinkMedium } from "./_mesh_link.ts";
import { SimulatedMeshNode } from "./_mesh_node.ts";
import type { SeededRandom } from "./seeded_random.ts";

/** How the medium behaves. */
export interface MeshMediumOptions {
  readonly clock: Clock;
  readonly random: SeededRandom;
  /** One-way delay, ms: of all pairs, or of a pair. @default 1 */
  readonly latencyMs?: number | ((from: PeerKey, to: PeerKey) => number);
  /** At most so much is added to each delay, evenly. @default 0 */
  readonly jitterMs?: number;
  /** Probability that a packet is lost: a frame then comes `retransmitMs` later. @default 0 */
  readonly loss?: number;
  /** @default 200 */
  readonly retransmitMs?: number;
  /** How long silence lasts before a link is given up, ms. @default 1000 */
  readonly detectMs?: number;
}

/** The nodes and what is between them. */
export class MeshMedium implements LinkMedium {
  readonly clock: Clock;
  readonly detectMs: number;
  readonly #random: SeededRandom;
  readonly #options: MeshMediumOptions;
  readonly #nodes = new Map<PeerKey, SimulatedMeshNode>();
  readonly #links = new Set<MeshLink>();
  readonly #provided = new Map<string, Set<PeerKey>>();
  /** The group of each node; those of different groups can't hear each other. */
  #groups = new Map<PeerKey, number>();

  constructor(options: MeshMediumOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.#random = options.random;
    this.detectMs = options.detectMs ?? 1000;
  }

  /** The mesh as the node `key` has it; a node that has crashed or closed may come again. */
  node(key: PeerKey): MeshNetwork {
    if (this.#nodes.has(key)) {
      throw new RangeError(`Cannot add node ${key.slice(0, 12)} as it is there already`);
    }
    const node = new SimulatedMeshNode(key, this);
    this.#nodes.set(key, node);
    return node;
  }

  /** Parts the nodes: each group hears itself only; nodes that no group names are one more group. */
  partition(groups: readonly (readonly PeerKey[])[]): void {
    this.#groups = new Map(groups.flatMap((keys, i) => keys.map((key) => [key, i + 1] as const)));
    this.#reviewAll();
  }

  /** Ends all partitions. */
  heal(): void {
    this.partition([]);
  }

  /**
   * Ends a node without a word.
   *
   * @param how "process": the others' links close at once, as a kernel does it; "machine": they are
   *   silent until given up
   */
  crash(key: PeerKey, how: "process" | "machine" = "process"): void {
    const node = this.#nodes.get(key);
    if (node === undefined) return;
    if (how === "process") return void node.close();
    this.#groups.set(key, -1 - this.#groups.size);
    this.#reviewAll();
    this.clock.after(this.detectMs, () => {
      void node.close();
      this.#groups.delete(key);
    });
  }

  /** Links that are open. */
  get linkCount(): number {
    return this.#links.size;
  }

  isParted(one: PeerKey, other: PeerKey): boolean {
    return (this.#groups.get(one) ?? 0) !== (this.#groups.get(other) ?? 0);
  }

  delayMs(from: PeerKey, to: PeerKey): number {
    const { jitterMs = 0, loss = 0, retransmitMs = 200 } = this.#options;
    let delayMs = this.#latencyMs(from, to);
    if (jitterMs > 0) delayMs += jitterMs * this.#random.uint32() / 2 ** 32;
    while (loss > 0 && this.#random.chance(Math.min(loss, 0.9))) delayMs += retransmitMs;
    return delayMs;
  }

  /** Both ways, without jitter and loss. */
  roundTripMs(one: PeerKey, other: PeerKey): number {
    return this.#latencyMs(one, other) + this.#latencyMs(other, one);
  }

  losesGossip(): boolean {
    const { loss = 0 } = this.#options;
    return loss > 0 && this.#random.chance(loss);
  }

  /** Links `node` with `key`, unless the other has done so meanwhile. */
  async dial(node: SimulatedMeshNode, key: PeerKey, signal: AbortSignal): Promise<void> {
    const from = node.self;
    await this.clock.sleep(this.delayMs(from, key), signal);
    const unreachable = (): MeshError =>
      meshError("unreachable", key, "nothing answers at its addresses");
    if (this.isParted(from, key)) {
      await this.clock.sleep(this.detectMs, signal);
      throw unreachable();
    }
    const far = this.#nodes.get(key);
    if (far === undefined || !far.isListening) throw unreachable();
    const isAdmitted = far.admits(from);
    await this.clock.sleep(this.delayMs(key, from), signal);
    if (!isAdmitted) throw meshError("refused", key, "it does not admit this node");
    if (!far.isListening || !node.isListening || this.isParted(from, key)) throw unreachable();
    if (node.isLinked(key)) return;
    const link: MeshLink = new MeshLink([node, far], this);
    this.#links.add(link);
    far.adopt(link);
    node.adopt(link);
  }

  /** Tells that `from` has what `key` names, until the signal aborts. */
  async provide(from: PeerKey, key: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.clock.sleep(this.delayMs(from, from), signal);
    const name = encodeHex(key);
    const holders = this.#provided.get(name) ?? new Set();
    this.#provided.set(name, holders.add(from));
    signal.addEventListener("abort", () => holders.delete(from), { once: true });
  }

  /** Who of those that `from` can hear, and that are up, has told that it has it. */
  async find(from: PeerKey, key: Uint8Array, signal: AbortSignal): Promise<readonly PeerKey[]> {
    await this.clock.sleep(2 * this.delayMs(from, from), signal);
    return [...this.#provided.get(encodeHex(key)) ?? []].filter((one) =>
      !this.isParted(from, one) && this.#nodes.get(one)?.isListening === true
    );
  }

  nodeOf(key: PeerKey): SimulatedMeshNode | undefined {
    return this.#nodes.get(key);
  }

  /** Whom a node passes gossip on to: some by a fixed draw, and the next in the ring of keys. */
  neighbours(self: PeerKey, linked: readonly PeerKey[], degree: number): readonly PeerKey[] {
    if (linked.length <= degree) return linked;
    const drawn = linked.toSorted((a, b) => draw(self, a) - draw(self, b)).slice(0, degree);
    const ring = linked.toSorted();
    const next = ring.find((key) => key > self) ?? ring[0];
    return next === undefined || drawn.includes(next) ? drawn : [...drawn, next];
  }

  enter(node: SimulatedMeshNode): void {
    const known = this.#nodes.get(node.self);
    if (known === node) return;
    if (known !== undefined) {
      throw new RangeError(`Cannot add node ${node.self.slice(0, 12)} as it is there already`);
    }
    this.#nodes.set(node.self, node);
  }

  leave(node: SimulatedMeshNode): void {
    if (this.#nodes.get(node.self) === node) this.#nodes.delete(node.self);
    for (const holders of this.#provided.values()) holders.delete(node.self);
  }

  forget(link: MeshLink): void {
    this.#links.delete(link);
  }

  #reviewAll(): void {
    for (const link of [...this.#links]) link.review();
  }

  #latencyMs(from: PeerKey, to: PeerKey): number {
    const { latencyMs = 1 } = this.#options;
    return typeof latencyMs === "number" ? latencyMs : latencyMs(from, to);
  }
}

/** A number for an ordered pair of keys, the same in every run (FNV-1a over their ends). */
function draw(one: PeerKey, other: PeerKey): number {
  let hash = 0x811c9dc5;
  for (const key of [one, other]) {
    for (let i = key.length - 16; i < key.length; i++) {
      hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193) >>> 0;
    }
  }
  return hash;
}

function meshError(code: MeshError["code"], key: PeerKey, why: string): MeshError {
  const message = `Cannot dial peer ${key.slice(0, 12)} as ${why}`;
  return new MeshError({ code, message });
}
