/** Goal: routes keep what is good, take standbys first, and never what the rules or room forbid. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { noCapabilities } from "../../../src/mesh/mod.ts";
import type { MeshNode } from "../../../src/placement/mod.ts";
import { RouteChooser } from "../../../src/services/placement/route_chooser.ts";
import type { Place, RouteNeed } from "../../../src/stages/mod.ts";

const root = "a".repeat(64);
const rules = { ownEdgeLayers: 1, ownEnds: true, roomPositions: 100 };
const need: RouteNeed = {
  ...{ root, numericClass: "c/1", layerCount: 8, kept: [], standbys: [], excluded: new Set() },
};

interface Given {
  readonly trust?: "own" | "member";
  readonly layerMs?: number;
  readonly freePositions?: number;
  readonly freeSlots?: number | null;
  readonly roundTripMs?: number;
}

function node(key: string, [from, to]: readonly [number, number], given: Given = {}): MeshNode {
  const { trust = "own", layerMs = 1, freePositions = 1000, freeSlots = 4 } = given;
  const parts = { layers: { from, to }, embedding: from === 0, head: to === 8, complete: false };
  const share = { root, name: "m", layerCount: 8, parts, loaded: parts, numericClass: "c/1" };
  const models = [{ ...share, layerMs, freePositions }];
  return {
    ...{ key, isSelf: key === "me", isLinked: true, trust, roundTripMs: given.roundTripMs ?? 2 },
    capabilities: { ...noCapabilities, models, freeSlots },
  };
}

function words(places: readonly Place[] | undefined): string[] | undefined {
  return places?.map(({ peer, from, to }) => `${peer} ${from}-${to}`);
}

const chooser = new RouteChooser(rules);

test("the first route is the cheapest, with those who could step in, the best first", () => {
  const route = chooser.route(need, [
    node("me", [0, 4]),
    node("far", [4, 8], { roundTripMs: 90 }),
    node("near", [4, 8]),
    node("slow", [4, 8], { layerMs: 9 }),
    node("full", [4, 8], { freeSlots: 0 }),
  ]);
  assert.deepEqual(words(route?.places), ["me 0-4", "near 4-8"]);
  assert.deepEqual(words(route?.standbys), ["slow 4-8", "far 4-8"]);
  const [first, last] = route?.places ?? [];
  assert.deepEqual([first?.embedding, first?.head], [true, false]);
  assert.deepEqual([last?.embedding, last?.head], [false, true]);
});

test("a lost stage is taken over by a standby, though another would be cheaper; the rest stays", () => {
  const nodes = [
    node("me", [0, 3]),
    node("mid", [3, 6], { freeSlots: 0, freePositions: 0 }),
    node("dead", [6, 8]),
    node("ready", [6, 8], { layerMs: 5 }),
    node("cheap", [5, 8], { layerMs: 0.1 }),
  ];
  const kept: Place[] = [
    { peer: "me", from: 0, to: 3, embedding: true, head: false },
    { peer: "mid", from: 3, to: 6, embedding: false, head: false },
  ];
  const lost = { ...need, kept, excluded: new Set(["dead"]) };
  const standbys = [{ peer: "ready", from: 6, to: 8, embedding: false, head: true }];
  const taken = chooser.route({ ...lost, standbys }, nodes);
  assert.deepEqual(words(taken?.places), ["me 0-3", "mid 3-6", "ready 6-8"]);
  assert.deepEqual(words(taken?.standbys), ["cheap 5-8"]);
  const without = chooser.route(lost, nodes);
  assert.deepEqual(words(without?.places), ["me 0-3", "mid 3-6", "cheap 6-8"]);
});

test("where the gap cannot be filled all is planned anew, and where nothing can there is no route", () => {
  const kept: Place[] = [{ peer: "me", from: 0, to: 2, embedding: true, head: false }];
  const nodes = [node("me", [0, 4]), node("b", [4, 8]), node("dead", [2, 8])];
  const lost = { ...need, kept, excluded: new Set(["dead"]) };
  assert.deepEqual(words(chooser.route(lost, nodes)?.places), ["me 0-4", "b 4-8"]);
  assert.equal(chooser.route({ ...lost, excluded: new Set(["dead", "b"]) }, nodes), undefined);
});

test("whatever the mesh is, a route is whole, at hand, within room and trust, and no ghost is in it", () => {
  const given = fc.record({
    from: fc.nat(7),
    length: fc.integer({ min: 1, max: 8 }),
    member: fc.boolean(),
    isLinked: fc.boolean(),
    layerMs: fc.integer({ min: 0, max: 9 }),
    freePositions: fc.constantFrom(0, 99, 100, 1000),
    freeSlots: fc.constantFrom(0, 1, null),
    isExcluded: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(given, { minLength: 1, maxLength: 7 }), fc.nat(), (all, pick) => {
    const nodes = all.map(({ from, length, member, isLinked, ...rest }, i): MeshNode => ({
      ...node(i === 0 ? "me" : `n${i}`, [from, Math.min(8, from + length)], {
        trust: member ? "member" : "own",
        ...rest,
      }),
      isLinked: i === 0 || isLinked,
    }));
    const excluded = new Set(
      all.flatMap(({ isExcluded }, i) => isExcluded && i > 0 ? [`n${i}`] : []),
    );
    const first = chooser.route({ ...need, excluded }, nodes);
    check(first?.places, { nodes, excluded });
    for (const { peer } of first?.standbys ?? []) {
      assert.ok(!excluded.has(peer) && !first?.places.some((place) => place.peer === peer));
    }
    if (first === undefined) return;
    const lost = first.places[pick % first.places.length]?.peer ?? "";
    if (lost === "me") return;
    const kept = first.places.filter(({ peer }) => peer !== lost);
    const more = new Set([...excluded, lost]);
    const next = chooser.route({ ...need, kept, standbys: first.standbys, excluded: more }, nodes);
    check(next?.places, { nodes, excluded: more });
  }));
});

function check(
  places: readonly Place[] | undefined,
  { nodes, excluded }: {
    readonly nodes: readonly MeshNode[];
    readonly excluded: ReadonlySet<string>;
  },
): void {
  if (places === undefined) return;
  let layer = 0;
  for (const { peer, from, to } of places) {
    const one = nodes.find(({ key }) => key === peer);
    const share = one?.capabilities?.models[0];
    assert.ok(one !== undefined && share !== undefined && one.isLinked && !excluded.has(peer));
    assert.ok(from === layer && to > from && (share.loaded?.layers.from ?? 9) <= from);
    assert.ok(to <= (share.loaded?.layers.to ?? 0) && (share.freePositions ?? 0) >= 100);
    assert.ok(one.isSelf || one.capabilities?.freeSlots !== 0);
    assert.ok(one.isSelf || one.trust === "own" || (from >= 1 && to <= 7));
    layer = to;
  }
  assert.equal(layer, 8);
}
