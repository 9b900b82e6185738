import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Placer } from "../../src/hot/placement.ts";
import type { Placement } from "../../src/hot/placement.ts";
import type { Cluster, PlacementNode, PlacementStage } from "../../src/hot/placement_problem.ts";
import { KERNELS, numbersFrom, runs } from "./_runs.ts";

const f = Math.fround;

/** Sums before each boundary, as the kernel has them. */
function sums(values: readonly number[]): readonly number[] {
  let sum = 0;
  return [0, ...values.map((value) => sum += value)];
}

/** The cost of stages in the kernel's order of additions. */
function costOf(cluster: Cluster, stages: readonly PlacementStage[]): number {
  const { nodes, hopsMs } = cluster;
  const work = sums(cluster.layers.map((layer) => layer.work)).map(f);
  let cost = f(nodes[stages[0]?.node ?? 0]?.entryMs ?? 0);
  for (const [i, { node, firstLayer, endLayer }] of stages.entries()) {
    const before = stages[i - 1];
    if (before !== undefined) cost = f(cost + (hopsMs[before.node * nodes.length + node] ?? 0));
    const step = f((work[endLayer] ?? 0) - (work[firstLayer] ?? 0));
    cost = f(cost + f(f(nodes[node]?.costMs ?? 0) * step));
  }
  return f(cost + f(nodes[stages.at(-1)?.node ?? 0]?.exitMs ?? 0));
}

/** The least cost over every way to cut the layers and give each part to another node. */
function bruteForce(cluster: Cluster, excluded: readonly number[]): number {
  const { layers, nodes } = cluster;
  const memory = sums(layers.map((layer) => layer.memory));
  let least = Infinity;
  function visit(stages: readonly PlacementStage[], boundary: number): void {
    if (boundary === layers.length) {
      least = Math.min(least, costOf(cluster, stages));
      return;
    }
    for (
      const [node, { firstLayer = 0, endLayer = layers.length, memory: room }] of nodes.entries()
    ) {
      if (excluded.includes(node) || stages.some((stage) => stage.node === node)) continue;
      if (boundary < firstLayer) continue;
      for (let end = boundary + 1; end <= endLayer; end++) {
        if ((memory[end] ?? 0) - (memory[boundary] ?? 0) > room) break;
        visit([...stages, { node, firstLayer: boundary, endLayer: end }], end);
      }
    }
  }
  visit([], 0);
  return least;
}

function assertValid(cluster: Cluster, placement: Placement, excluded: readonly number[]): void {
  const memory = sums(cluster.layers.map((layer) => layer.memory));
  let boundary = 0;
  for (const { node, firstLayer, endLayer } of placement.stages) {
    const { firstLayer: from = 0, endLayer: to = cluster.layers.length, memory: room } = cluster
      .nodes[node] as PlacementNode;
    assert.equal(firstLayer, boundary);
    assert.ok(endLayer > firstLayer && firstLayer >= from && endLayer <= to);
    assert.ok((memory[endLayer] ?? 0) - (memory[firstLayer] ?? 0) <= room, "memory is exceeded");
    assert.ok(!excluded.includes(node));
    boundary = endLayer;
  }
  assert.equal(boundary, cluster.layers.length);
  const used = placement.stages.map((stage) => stage.node);
  assert.equal(new Set(used).size, used.length, "a node has two stages");
  assert.equal(placement.costMs, costOf(cluster, placement.stages));
}

/** Small clusters, in which ties, tight memory, missing links and ranges are common. */
const clusters: fc.Arbitrary<Cluster> = fc.tuple(
  fc.integer({ min: 1, max: 5 }),
  fc.array(
    fc.record({ work: fc.constantFrom(1, 2, 0.3), memory: fc.nat({ max: 3 }) }),
    { minLength: 1, maxLength: 6 },
  ),
).chain(([count, layers]) => {
  const hop = fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 9 }) }, {
    weight: 1,
    arbitrary: fc.constant(Infinity),
  });
  const layer = fc.nat({ max: layers.length });
  const node = fc.record({
    costMs: fc.constantFrom(0, 0.7, 1, 2, 5),
    memory: fc.nat({ max: 8 }),
    entryMs: hop,
    exitMs: hop,
    firstLayer: fc.oneof(fc.constant(0), layer),
    endLayer: fc.oneof(fc.constant(layers.length), layer),
  });
  return fc.record({
    layers: fc.constant(layers),
    nodes: fc.array(node, { minLength: count, maxLength: count }),
    hopsMs: fc.array(hop, { minLength: count ** 2, maxLength: count ** 2 })
      .map((hops) => Float32Array.from(hops)),
  });
});

for (const kernel of KERNELS) {
  const placer = new Placer({ kernel });

  test(`Placer (${kernel}) equals brute force on random small clusters`, () => {
    const excluded = fc.array(fc.nat({ max: 4 }), { maxLength: 1 });
    fc.assert(
      fc.property(clusters, excluded, (cluster, outs) => {
        const out = outs.filter((node) => node < cluster.nodes.length);
        placer.load(cluster);
        const placement = placer.place({ excluded: out });
        const least = bruteForce(cluster, out);
        assert.equal(placement?.costMs ?? Infinity, least);
        if (placement === undefined) return;
        assert.ok(placement.proven);
        assertValid(cluster, placement, out);
        assert.ok(placer.lowerBoundMs({ excluded: out }) <= least);
      }),
      runs(400),
    );
  });
}

/** A cluster of many nodes at random places of a plane. */
function plane(nodes: number, layers: number, seed: number): Cluster {
  const next = numbersFrom(seed);
  function random(): number {
    return next() / 2 ** 32;
  }
  const places = Array.from({ length: nodes }, () => [random() * 100, random() * 100] as const);
  const hopsMs = new Float32Array(nodes * nodes);
  for (const [q, [x, y]] of places.entries()) {
    for (const [p, [u, v]] of places.entries()) {
      hopsMs[q * nodes + p] = 1 + Math.hypot(u - x, v - y) * 0.3;
    }
  }
  return {
    layers: Array.from({ length: layers }, () => ({ work: 1, memory: 100 })),
    nodes: places.map(() => {
      const held = 4 + Math.floor(random() * 20);
      const drawn = Math.floor(random() * (layers + 20)) - 10;
      const firstLayer = Math.max(0, Math.min(layers - held, drawn));
      const endLayer = Math.min(layers, firstLayer + held);
      const memory = Math.floor(random() * 2500);
      return { costMs: 0.5 + random() * 3, memory, entryMs: 5, exitMs: 5, firstLayer, endLayer };
    }),
    hopsMs,
  };
}

test("Placer and its twin find the same placement on larger clusters", () => {
  const wasm = new Placer();
  const plain = new Placer({ kernel: "plain" });
  for (const [nodes, layers] of [[17, 12], [60, 24], [33, 40], [130, 32]] as const) {
    const cluster = plane(nodes, layers, nodes);
    wasm.load(cluster);
    plain.load(cluster);
    const placement = wasm.place();
    assert.deepEqual(plain.place(), placement);
    if (placement !== undefined) assertValid(cluster, placement, []);
  }
});

test("Placer places 80 layers on 1,000 nodes, and without the nodes of that placement", () => {
  const placer = new Placer();
  const cluster = plane(1000, 80, 4);
  placer.load(cluster);
  const first = placer.place();
  assert.ok(first !== undefined);
  assertValid(cluster, first, []);
  const excluded = first.stages.map((stage) => stage.node);
  const second = placer.place({ excluded });
  assert.ok(second !== undefined);
  assertValid(cluster, second, excluded);
  assert.ok(second.costMs >= first.costMs || !first.proven);
});

test("Placer leaves a node out when it only adds latency", () => {
  const fast = { costMs: 2, memory: 100, entryMs: 1, exitMs: 1 };
  const layers = Array.from({ length: 10 }, () => ({ work: 1, memory: 1 }));
  const placer = new Placer();
  const hopsMs = Float32Array.of(0, 6, 6, 0);
  // Half of the layers at half the cost save 5 ms, and the hop costs 6.
  placer.load({ layers, nodes: [fast, { ...fast, costMs: 1, memory: 5 }], hopsMs });
  const alone = placer.place();
  assert.deepEqual(alone?.stages, [{ node: 0, firstLayer: 0, endLayer: 10 }]);
  placer.load({
    layers,
    nodes: [fast, { ...fast, costMs: 1, memory: 5 }],
    hopsMs: hopsMs.map((hop) => hop / 2),
  });
  assert.equal(placer.place()?.stages.length, 2);
});

test("Placer uses a node once though two stages would be cheaper, and says what it proved", () => {
  const layers = Array.from({ length: 9 }, () => ({ work: 1, memory: 1 }));
  const nodes = [1, 50, 50].map((costMs) => ({ costMs, memory: 4, entryMs: 0, exitMs: 0 }));
  const cluster = { layers, nodes, hopsMs: new Float32Array(9) };
  const placer = new Placer();
  placer.load(cluster);
  assert.ok(placer.lowerBoundMs() < 100);
  const exact = placer.place();
  assert.equal(exact?.costMs, 4 + 5 * 50);
  assert.ok(exact.proven);
  const hasty = placer.place({ watchedMax: 0 });
  assert.ok(hasty !== undefined && !hasty.proven);
  assertValid(cluster, hasty, []);
  assert.equal(placer.place({ excluded: [0] }), undefined);
});

test("Placer refuses clusters with numbers out of range", () => {
  const placer = new Placer();
  assert.throws(() => placer.place(), TypeError);
  const good: Cluster = {
    layers: [{ work: 1, memory: 1 }],
    nodes: [{ costMs: 1, memory: 1, entryMs: 0, exitMs: 0 }],
    hopsMs: new Float32Array(1),
  };
  placer.load(good);
  assert.deepEqual(placer.place()?.stages, [{ node: 0, firstLayer: 0, endLayer: 1 }]);
  assert.throws(() => placer.place({ excluded: [1] }), /must be below 1/);
  for (const watchedMax of [-1, 6, 0.5]) {
    assert.throws(() => placer.place({ watchedMax }), RangeError);
  }
  const [layer] = good.layers;
  const [node] = good.nodes;
  const wrong: readonly Partial<Cluster>[] = [
    { layers: [] },
    { layers: Array.from({ length: 257 }, () => ({ work: 1, memory: 1 })) },
    { hopsMs: new Float32Array(2) },
    { hopsMs: Float32Array.of(-1) },
    { hopsMs: Float32Array.of(NaN) },
    { layers: [{ work: 0, memory: 1 }] },
    { layers: [{ work: 1, memory: 0.5 }] },
    { layers: [{ work: 1, memory: 2 ** 31 }, { work: 1, memory: 2 ** 31 }] },
    { nodes: [{ costMs: -1, memory: 1, entryMs: 0, exitMs: 0 }] },
    { nodes: [{ costMs: 1, memory: -1, entryMs: 0, exitMs: 0 }] },
    { nodes: [{ costMs: 1, memory: 1, entryMs: NaN, exitMs: 0 }] },
    { nodes: [{ costMs: 1, memory: 1, entryMs: 0, exitMs: 0, endLayer: 2 }] },
  ];
  assert.ok(layer !== undefined && node !== undefined);
  for (const part of wrong) assert.throws(() => placer.load({ ...good, ...part }), RangeError);
  assert.throws(() => new Placer().lowerBoundMs(), /no cluster/);
});
