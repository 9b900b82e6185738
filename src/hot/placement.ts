/**
 * Places the layers of a model on nodes: the cheapest way over the boundaries between layers.
 *
 * A stage is a run of layers on one node, which must hold them in its memory and in the range that it
 * may run. The cost of a placement is the hop to its first node, the work of each stage at its
 * node's speed, the hops between, and the hop back; in f32 milliseconds. A node has one stage at
 * most, so that its memory is never exceeded.
 *
 * The kernel's shortest path lets a node come twice. Where one does, it is watched from then on, and
 * the path is solved again over the sets of watched nodes that were used (decremental state space
 * relaxation; Righini and Salani, "New dynamic programming algorithms for the resource constrained
 * elementary shortest path problem", 2008). The first way without a repeat is the best one.
 *
 * Not here: what nodes there are, and what their links cost (measured by who asks).
 */
import { bytes as base64 } from "./_placement_bytes.ts";
import { WATCHED_MAX } from "./_placement_map.ts";
import type { PlacementKernel } from "./_placement_map.ts";
import { PlacementMemory } from "./_placement_memory.ts";
import type { Bounds } from "./_placement_memory.ts";
import { placementTwin } from "./_placement_twin.ts";
import { KernelModule } from "./_module.ts";
import type { KernelChoice, KernelKind } from "./_module.ts";
import { checkCluster } from "./placement_problem.ts";
import type { Cluster, PlacementStage } from "./placement_problem.ts";

/** Nodes that a search watches at most. */
export const PLACEMENT_WATCHED_MAX: number = WATCHED_MAX;

const MODULE = new KernelModule<PlacementKernel>(base64, placementTwin);

/** A placement. */
export interface Placement {
  readonly stages: readonly PlacementStage[];
  /** Its cost, in f32. */
  readonly costMs: number;
  /** Whether none is cheaper: false when repeats were settled by their better half. */
  readonly proven: boolean;
}

/** Which placement to look for. */
export interface PlaceOptions {
  /** Nodes that must have no stage. */
  readonly excluded?: readonly number[];
  /**
   * Nodes that may be watched, 0 to PLACEMENT_WATCHED_MAX: each doubles the time of a solve. A repeat
   * beyond them is settled by its better half.
   *
   * @default {PLACEMENT_WATCHED_MAX}
   */
  readonly watchedMax?: number;
}

/** A placer with a kernel's memory of its own (70 MiB, touched only as far as used). */
export class Placer {
  /** "wasm", or "plain" where the engine has no SIMD. */
  readonly kind: KernelKind;
  readonly #memory: PlacementMemory;
  #cluster: Cluster | undefined;

  /** @throws {RangeError} when the kernel asked for is not to be had */
  constructor(options: { readonly kernel?: KernelChoice } = {}) {
    const { kernel, kind } = MODULE.open(options.kernel ?? "auto");
    this.kind = kind;
    this.#memory = new PlacementMemory(kernel);
  }

  /**
   * Takes a cluster: copies its numbers into the kernel's memory. Later changes of it are not seen.
   *
   * @throws {RangeError} when a number of it is out of range
   */
  load(cluster: Cluster): void {
    checkCluster(cluster);
    this.#memory.write(cluster);
    this.#cluster = { ...cluster, nodes: [...cluster.nodes], layers: [...cluster.layers] };
  }

  /**
   * The least cost if a node could have several stages: a lower bound, from one shortest path.
   * Infinity if there is no way.
   *
   * @throws {TypeError} before `load`
   * @throws {RangeError} when an excluded node is not one
   */
  lowerBoundMs(options: PlaceOptions = {}): number {
    return this.#memory.solve(this.#bounds(options));
  }

  /**
   * The cheapest placement, or undefined if there is none.
   *
   * Once more nodes than `watchedMax` came twice the result is a valid placement that may not be the
   * cheapest (`proven` is then false), and undefined may be wrong.
   *
   * @throws {TypeError} before `load`
   * @throws {RangeError} when an excluded node is not one, or `watchedMax` is out of range
   */
  place(options: PlaceOptions = {}): Placement | undefined {
    const { watchedMax = WATCHED_MAX } = options;
    if (!(Number.isInteger(watchedMax) && watchedMax >= 0 && watchedMax <= WATCHED_MAX)) {
      throw new RangeError(
        `Cannot place layers as 'watchedMax' must be 0 to ${WATCHED_MAX}: ` +
          `current value is ${watchedMax}`,
      );
    }
    let proven = true;
    let way = this.#solve(this.#bounds(options));
    while (way !== undefined) {
      const { bounds, costMs, stages } = way;
      const repeat = firstRepeat(stages);
      if (repeat === undefined) return { stages, costMs, proven };
      if (bounds.watched.length < watchedMax) {
        way = this.#solve({ ...bounds, watched: [...bounds.watched, repeat.node] });
      } else {
        proven = false;
        const [before, after] = halves(bounds, repeat);
        way = cheaper(this.#solve(before), this.#solve(after));
      }
    }
    return undefined;
  }

  #solve(bounds: Bounds): Way | undefined {
    const costMs = this.#memory.solve(bounds);
    if (costMs === Infinity) return undefined;
    return { bounds, costMs, stages: this.#memory.readWay(costMs, bounds) };
  }

  #bounds({ excluded = [] }: PlaceOptions): Bounds {
    const cluster = this.#cluster;
    if (cluster === undefined) throw new TypeError("Cannot place layers as no cluster was loaded");
    const { nodes, layers } = cluster;
    const ranges = new Uint32Array(2 * nodes.length);
    for (const [p, { firstLayer = 0, endLayer = layers.length }] of nodes.entries()) {
      ranges.set([firstLayer, endLayer], 2 * p);
    }
    for (const node of excluded) {
      if (!(Number.isInteger(node) && node >= 0 && node < nodes.length)) {
        throw new RangeError(
          `Cannot exclude a node as it must be below ${nodes.length}: current value is ${node}`,
        );
      }
      ranges.set([0, 0], 2 * node);
    }
    return { ranges, watched: [] };
  }
}

/** The cheapest way within bounds, in which nodes that are not watched may come twice. */
interface Way {
  readonly bounds: Bounds;
  readonly costMs: number;
  readonly stages: readonly PlacementStage[];
}

function cheaper(a: Way | undefined, b: Way | undefined): Way | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.costMs < a.costMs ? b : a;
}

/** A node that comes twice, and the first layer after its first stage. */
interface Repeat {
  readonly node: number;
  readonly between: number;
}

function firstRepeat(stages: readonly PlacementStage[]): Repeat | undefined {
  const seen = new Map<number, PlacementStage>();
  for (const stage of stages) {
    const before = seen.get(stage.node);
    if (before !== undefined) return { node: stage.node, between: before.endLayer };
    seen.set(stage.node, stage);
  }
  return undefined;
}

/** The bounds under which a node has all of its layers before a layer, and all after it. */
function halves(bounds: Bounds, { node, between }: Repeat): readonly [Bounds, Bounds] {
  const before = bounds.ranges.slice();
  before[2 * node + 1] = between;
  const after = bounds.ranges.slice();
  after[2 * node] = between + 1;
  return [{ ...bounds, ranges: before }, { ...bounds, ranges: after }];
}
