/** The placement kernel's memory: what goes in, and the way read back from its tables. */
import {
  CAPACITY,
  cellIndex,
  COST,
  END,
  ENTRY,
  EXIT,
  FIRST,
  hopAddress,
  LEAVE,
  MEMORY,
  WATCHED,
  WORK,
} from "./_placement_map.ts";
import type { PlacementKernel } from "./_placement_map.ts";
import type { Cluster, PlacementStage } from "./placement_problem.ts";

const f = Math.fround;

/** What a search asks for. */
export interface Bounds {
  /** First layer and end of every node, in turn. */
  readonly ranges: Uint32Array;
  /** Nodes that must not come twice, at most WATCHED_MAX. */
  readonly watched: readonly number[];
}

/** A cluster in the kernel's memory. */
export class PlacementMemory {
  readonly #kernel: PlacementKernel;
  readonly #f32: Float32Array;
  readonly #u32: Uint32Array;
  #layers = 0;
  #nodes = 0;
  /**
   * Place of each node in the tables: by first layer, so that the nodes that may run a layer share
   * few tiles, and the kernel skips the others.
   */
  #slots = new Uint32Array(0);

  constructor(kernel: PlacementKernel) {
    this.#kernel = kernel;
    this.#f32 = new Float32Array(kernel.memory.buffer);
    this.#u32 = new Uint32Array(kernel.memory.buffer);
  }

  /** Writes a cluster that was checked. */
  write(cluster: Cluster): void {
    const { layers, nodes, hopsMs } = cluster;
    this.#layers = layers.length;
    this.#nodes = nodes.length;
    let work = 0;
    let memory = 0;
    for (const [i, layer] of [...layers, { work: 0, memory: 0 }].entries()) {
      this.#f32[WORK / 4 + i] = work;
      this.#u32[MEMORY / 4 + i] = memory;
      work += layer.work;
      memory += layer.memory;
    }
    // Tiles end at a multiple of 16: nodes behind the last one have no layers.
    this.#u32.fill(0, END / 4, END / 4 + Math.ceil(nodes.length / 16) * 16);
    this.#slots = slotsOf(cluster);
    for (const [p, node] of nodes.entries()) {
      const slot = this.#slots[p] as number;
      this.#f32[COST / 4 + slot] = node.costMs;
      this.#u32[CAPACITY / 4 + slot] = node.memory;
      this.#f32[ENTRY / 4 + slot] = node.entryMs;
      this.#f32[EXIT / 4 + slot] = node.exitMs;
    }
    for (let q = 0; q < nodes.length; q++) {
      for (let p = 0; p < nodes.length; p++) {
        const hop = p === q ? Infinity : hopsMs[q * nodes.length + p] as number;
        this.#f32[hopAddress(this.#slots[q] as number, this.#slots[p] as number) / 4] = hop;
      }
    }
  }

  /** The least cost when the nodes that are not watched may come twice; infinite if there is none. */
  solve({ ranges, watched }: Bounds): number {
    for (let p = 0; p < this.#nodes; p++) {
      const slot = this.#slots[p] as number;
      this.#u32[FIRST / 4 + slot] = ranges[2 * p] as number;
      this.#u32[END / 4 + slot] = ranges[2 * p + 1] as number;
    }
    for (const [k, node] of watched.entries()) {
      this.#u32[WATCHED / 4 + k] = this.#slots[node] as number;
    }
    return this.#kernel.solve(this.#layers, this.#nodes, watched.length);
  }

  /**
   * A way of the cost that `solve` found for the same bounds. Of equal ones: from the end, the lowest
   * plane, then the lowest node, then the longest stage, then the lowest node before it.
   */
  readWay(cost: number, { watched }: Bounds): readonly PlacementStage[] {
    const stages: PlacementStage[] = [];
    let end = this.#layers;
    let { plane, node } = this.#findLast(cost, 2 ** watched.length);
    for (;;) {
      const first = this.#stageStart(plane, node, end);
      stages.push({ node, firstLayer: first, endLayer: end });
      if (first === 0) return stages.reverse();
      const arrival = this.#arrive(plane, first, node);
      const bit = watched.indexOf(node);
      if (bit >= 0) plane ^= 1 << bit;
      end = first;
      const next = node;
      node = this.#find((q) => f(this.#leave(plane, end, q) + this.#hop(q, next)) === arrival);
    }
  }

  #findLast(cost: number, planes: number): { plane: number; node: number } {
    for (let plane = 0; plane < planes; plane++) {
      for (let node = 0; node < this.#nodes; node++) {
        const exit = this.#f32[EXIT / 4 + (this.#slots[node] as number)] as number;
        if (f(this.#leave(plane, this.#layers, node) + exit) === cost) return { plane, node };
      }
    }
    throw new RangeError("Cannot read a way as no node has its cost");
  }

  /** Where the stage that leaves `node` at `end` begins: the kernel's own sum, made again. */
  #stageStart(plane: number, node: number, end: number): number {
    const leaving = this.#leave(plane, end, node);
    const slot = this.#slots[node] as number;
    const cost = this.#f32[COST / 4 + slot] as number;
    const capacity = this.#u32[CAPACITY / 4 + slot] as number;
    for (let i = this.#u32[FIRST / 4 + slot] as number; i < end; i++) {
      const memory = this.#u32[MEMORY / 4 + end] as number - (this.#u32[MEMORY / 4 + i] as number);
      if (memory > capacity) continue;
      const work = f((this.#f32[WORK / 4 + end] as number) - (this.#f32[WORK / 4 + i] as number));
      if (f(this.#arrive(plane, i, node) + f(cost * work)) === leaving) return i;
    }
    throw new RangeError(`Cannot read a way as no stage leads to node ${node} at ${end}`);
  }

  #find(matches: (node: number) => boolean): number {
    for (let p = 0; p < this.#nodes; p++) if (matches(p)) return p;
    throw new RangeError("Cannot read a way as no node has its cost");
  }

  #arrive(plane: number, boundary: number, node: number): number {
    return this.#f32[cellIndex(plane, boundary, this.#slots[node] as number)] as number;
  }

  #leave(plane: number, boundary: number, node: number): number {
    const at = cellIndex(plane, boundary, this.#slots[node] as number);
    return this.#f32[at + LEAVE / 4] as number;
  }

  #hop(from: number, to: number): number {
    const at = hopAddress(this.#slots[from] as number, this.#slots[to] as number);
    return this.#f32[at / 4] as number;
  }
}

function slotsOf({ nodes }: Cluster): Uint32Array<ArrayBuffer> {
  const order = nodes.map((_, p) => p)
    .sort((a, b) => (nodes[a]?.firstLayer ?? 0) - (nodes[b]?.firstLayer ?? 0) || a - b);
  const slots = new Uint32Array(nodes.length);
  for (const [slot, node] of order.entries()) slots[node] = slot;
  return slots;
}
