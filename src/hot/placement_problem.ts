/** The problem of placement: what is placed, where it may be, and the check of its numbers. */
import { LAYERS_MAX, NODES_MAX } from "./_placement_map.ts";

/** Nodes of a cluster at most. */
export const PLACEMENT_NODES_MAX: number = NODES_MAX;
/** Layers at most; embedding and head count as layers where they are placed like them. */
export const PLACEMENT_LAYERS_MAX: number = LAYERS_MAX;

/** A layer to place. */
export interface PlacementLayer {
  /** Work, in any unit; above 0 and finite. */
  readonly work: number;
  /** Memory, in any unit, a whole number; the sum of all layers is below 2^32. */
  readonly memory: number;
}

/** A node that may run layers. */
export interface PlacementNode {
  /** Milliseconds per unit of work, from 0, finite. */
  readonly costMs: number;
  /** Memory for its stage, a whole number below 2^32. */
  readonly memory: number;
  /** Hop from the requester, ms; from 0, Infinity if there is none. */
  readonly entryMs: number;
  /** Hop back to the requester, ms; from 0, Infinity if there is none. */
  readonly exitMs: number;
  /** @default {0} first layer that it may run */
  readonly firstLayer?: number;
  /** @default the number of layers; it may run those before this one */
  readonly endLayer?: number;
}

/** What is placed, and where it may be. */
export interface Cluster {
  /** In their order, 1 to PLACEMENT_LAYERS_MAX. */
  readonly layers: readonly PlacementLayer[];
  /** At most PLACEMENT_NODES_MAX. */
  readonly nodes: readonly PlacementNode[];
  /** Hop from node a to node b at a * nodes + b, ms; from 0, Infinity if there is none. */
  readonly hopsMs: Float32Array;
}

/** Layers `firstLayer` to before `endLayer` on a node. */
export interface PlacementStage {
  readonly node: number;
  readonly firstLayer: number;
  readonly endLayer: number;
}

/** @throws {RangeError} when a number of a cluster is out of range */
export function checkCluster({ layers, nodes, hopsMs }: Cluster): void {
  const counts = layers.length >= 1 && layers.length <= LAYERS_MAX && nodes.length <= NODES_MAX;
  if (!counts || hopsMs.length !== nodes.length ** 2) {
    throw new RangeError(
      `Cannot place layers as there must be 1 to ${LAYERS_MAX}, on at most ${NODES_MAX} nodes with ` +
        `a hop for each pair: current values are ${layers.length}, ${nodes.length}, ${hopsMs.length}`,
    );
  }
  let memory = 0;
  for (const [i, layer] of layers.entries()) {
    memory += layer.memory;
    const good = layer.work > 0 && layer.work < 2 ** 64 && isWord(layer.memory) && isWord(memory);
    if (!good) throw wrongNumber(`layer ${i}`, layer);
  }
  for (const [i, node] of nodes.entries()) {
    const { firstLayer = 0, endLayer = layers.length } = node;
    const range = isWord(firstLayer) && isWord(endLayer) && endLayer <= layers.length;
    const costs = node.costMs >= 0 && node.costMs < 2 ** 64 && node.entryMs >= 0 &&
      node.exitMs >= 0;
    if (!range || !costs || !isWord(node.memory)) throw wrongNumber(`node ${i}`, node);
  }
  const wrong = hopsMs.findIndex((hop) => !(hop >= 0));
  if (wrong >= 0) throw wrongNumber(`hop ${wrong}`, hopsMs[wrong]);
}

function isWord(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}

function wrongNumber(what: string, value: unknown): RangeError {
  return new RangeError(
    `Cannot place layers as the numbers of ${what} must be in their ranges: ` +
      `current value is ${JSON.stringify(value)}`,
  );
}
