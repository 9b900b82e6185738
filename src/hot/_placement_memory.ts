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
  type PlacementKernel,
  WATCHED,
  WORK,
} from "./_placement_map.ts";
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
    for (const [p, node] of nodes.entries()) {
      this.#f32[COST / 4 + p] = node.costMs;
      this.#u32[CAPACITY / 4 + p] = node.memory;
      this.#f32[ENTRY / 4 + p] = node.entryMs;
      this.#f32[EXIT / 4 + p] = node.exitMs;
    }
    for (let q = 0; q < nodes.length; q++) {
      for (let p = 0; p < nodes.length; p++) {
        const hop = p === q ? Infinity : hopsMs[q * nodes.length + p] as number;
        this.#f32[hopAddress(q, p) / 4] = hop;
      }
    }
  }

  /** The least cost when the nodes that are not watched may come twice; infinite if there is none. */
  solve({ ranges, watched }: Bounds): number {
    for (let p = 0; p < this.#nodes; p++) {
      this.#u32[FIRST / 4 + p] = ranges[2 * p] as number;
      this.#u32[END / 4 + p] = ranges[2 * p + 1] as number;
    }
    this.#u32.set(watched, WATCHED / 4);
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
      const arrival = this.#f32[cellIndex(plane, first, node)] as number;
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
        const exit = this.#at(EXIT, node);
        if (f(this.#leave(plane, this.#layers, node) + exit) === cost) return { plane, node };
      }
    }
    throw new RangeError("Cannot read a way as no node has its cost");
  }

  /** Where the stage that leaves `node` at `end` begins: the kernel's own sum, made again. */
  #stageStart(plane: number, node: number, end: number): number {
    const cost = this.#leave(plane, end, node);
    const earliest = this.#u32[FIRST / 4 + node] as number;
    for (let i = earliest; i < end; i++) {
      const memory = this.#u32[MEMORY / 4 + end] as number - (this.#u32[MEMORY / 4 + i] as number);
      if (memory > (this.#u32[CAPACITY / 4 + node] as number)) continue;
      const work = f(this.#at(WORK, end) - this.#at(WORK, i));
      const arrival = this.#f32[cellIndex(plane, i, node)] as number;
      if (f(arrival + f(this.#at(COST, node) * work)) === cost) return i;
    }
    throw new RangeError(`Cannot read a way as no stage leads to node ${node} at ${end}`);
  }

  #find(matches: (node: number) => boolean): number {
    for (let p = 0; p < this.#nodes; p++) if (matches(p)) return p;
    throw new RangeError("Cannot read a way as no node has its cost");
  }

  #leave(plane: number, boundary: number, node: number): number {
    return this.#f32[cellIndex(plane, boundary, node) + LEAVE / 4] as number;
  }

  #hop(from: number, to: number): number {
    return this.#f32[hopAddress(from, to) / 4] as number;
  }

  #at(base: number, index: number): number {
    return this.#f32[base / 4 + index] as number;
  }
}
