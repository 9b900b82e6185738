/**
 * How long does a shortest path over 80 layers and 1,000 nodes take? Expected: some milliseconds. The
 * peer is the same recurrence in typed arrays, with the same lists of sources and of targets.
 */
import { Placer } from "../../src/hot/mod.ts";
import type { Cluster } from "../../src/hot/mod.ts";
import type { Comparison, Row } from "../harness.ts";

/** The row of placement. */
export const row: Row = {
  name: "placement",
  what: "placement, 80 layers, 1,000 nodes",
  gates: [{ peer: "fastest", node: 3.3, deno: 3.3 }],
  prepare(small): Promise<Comparison> {
    const cluster = clusterOf(small ? 40 : 1000, small ? 12 : 80);
    const placer = new Placer();
    placer.load(cluster);
    const costs = [0, 0, 0];
    const f32 = plainSolver(cluster, (length) => new Float32Array(length));
    const f64 = plainSolver(cluster, (length) => new Float64Array(length));
    return Promise.resolve({
      ours: {
        name: "skep",
        run: () => void (costs[0] = placer.lowerBoundMs()),
        checksum: () => Math.round((costs[0] ?? 0) * 100),
      },
      peers: [{
        name: "JS Float32Array",
        run: () => void (costs[1] = f32()),
        checksum: () => Math.round((costs[1] ?? 0) * 100),
      }, {
        name: "JS Float64Array",
        run: () => void (costs[2] = f64()),
        checksum: () => Math.round((costs[2] ?? 0) * 100),
      }],
      units: 1,
    });
  },
};

/** Nodes on a plane, each holding 8 to 32 layers from anywhere. */
function clusterOf(count: number, layers: number): Cluster {
  let state = 7;
  function random(): number {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  }
  const places = Array.from({ length: count }, () => [random() * 100, random() * 100] as const);
  const nodes = places.map(() => {
    const held = Math.min(layers, 8 + Math.floor(random() * 25));
    const drawn = Math.floor(random() * (layers + 20)) - 10;
    const firstLayer = Math.max(0, Math.min(layers - held, drawn));
    const costMs = 0.5 + random() * 3;
    const endLayer = firstLayer + held;
    return {
      costMs,
      memory: 2000 + Math.floor(random() * 2000),
      entryMs: 5,
      exitMs: 5,
      firstLayer,
      endLayer,
    };
  });
  const hopsMs = new Float32Array(count * count);
  for (const [q, [x, y]] of places.entries()) {
    for (const [p, [u, v]] of places.entries()) {
      hopsMs[q * count + p] = 5 + Math.hypot(u - x, v - y) * 0.5 + random() * 3;
    }
  }
  return {
    layers: Array.from({ length: layers }, () => ({ work: 1, memory: 100 })),
    nodes,
    hopsMs,
  };
}

type Numbers = Float32Array | Float64Array;

/** The recurrence over typed arrays made by `make`. */
function plainSolver(cluster: Cluster, make: (length: number) => Numbers): () => number {
  const { layers, nodes } = cluster;
  const count = nodes.length;
  const hops = make(count * count);
  hops.set(cluster.hopsMs);
  for (let p = 0; p < count; p++) hops[p * count + p] = Infinity;
  const cost = make(count);
  const first = new Int32Array(count);
  const stop = new Int32Array(count);
  for (const [p, node] of nodes.entries()) {
    cost[p] = node.costMs;
    first[p] = node.firstLayer ?? 0;
    stop[p] = node.endLayer ?? layers.length;
  }
  // All layers weigh the same here, so memory is a number of layers.
  const held = Int32Array.from(nodes, (node) => Math.floor(node.memory / 100));
  const arrive = make((layers.length + 1) * count);
  const leave = make((layers.length + 1) * count);
  const sources = new Int32Array(count);
  const targets = new Int32Array(count);
  return () => {
    arrive.fill(Infinity);
    leave.fill(Infinity);
    for (let i = 0; i < layers.length; i++) {
      const row = i * count;
      let sourceCount = 0;
      let targetCount = 0;
      for (let p = 0; p < count; p++) {
        if ((leave[row + p] as number) < Infinity) sources[sourceCount++] = p;
        if ((first[p] as number) <= i && (stop[p] as number) > i) targets[targetCount++] = p;
      }
      if (i === 0) { for (let p = 0; p < count; p++) arrive[p] = nodes[p]?.entryMs ?? Infinity; }
      for (let s = 0; s < sourceCount; s++) {
        const q = sources[s] as number;
        const from = leave[row + q] as number;
        const hop = q * count;
        for (let t = 0; t < targetCount; t++) {
          const p = targets[t] as number;
          const value = from + (hops[hop + p] as number);
          if (value < (arrive[row + p] as number)) arrive[row + p] = value;
        }
      }
      for (let t = 0; t < targetCount; t++) {
        const p = targets[t] as number;
        const start = arrive[row + p] as number;
        const end = Math.min(stop[p] as number, i + (held[p] as number));
        if (start === Infinity) continue;
        for (let j = i + 1; j <= end; j++) {
          const value = start + (cost[p] as number) * (j - i);
          if (value < (leave[j * count + p] as number)) leave[j * count + p] = value;
        }
      }
    }
    let least = Infinity;
    const last = layers.length * count;
    for (let p = 0; p < count; p++) least = Math.min(least, (leave[last + p] as number) + 5);
    return least;
  };
}
