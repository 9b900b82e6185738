/** Goal: the plan is within memory, class and trust, cheapest, and says why of every node. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chooseLayers, Planner } from "../../src/placement/mod.ts";
import type { Candidate, Plan, PlanNeed } from "../../src/placement/mod.ts";

const need: PlanNeed = {
  layerCount: 8,
  positions: 100,
  ownEdgeLayers: 1,
  excluded: new Set(),
};

function candidate(
  peer: string,
  layers: [number, number],
  more: Partial<Candidate> = {},
): Candidate {
  return {
    peer,
    isSelf: false,
    isReachable: true,
    trust: "own",
    layers: { from: layers[0], to: layers[1] },
    embedding: layers[0] === 0,
    head: layers[1] === 8,
    hasClass: true,
    layerMs: 1,
    roundTripMs: 2,
    freePositions: 1000,
    freeSlots: null,
    ...more,
  };
}

const planner = new Planner();

function plan(wanted: PlanNeed, candidates: readonly Candidate[]): Plan {
  return planner.plan(wanted, candidates);
}

const self = { isSelf: true, roundTripMs: 0 };

function reasons(one: Plan): Record<string, string> {
  return Object.fromEntries(one.candidates.map(({ peer, reason }) => [peer, reason]));
}

test("a model that this node holds whole is computed here, however fast others are", () => {
  const found = plan(need, [
    candidate("me", [0, 8], { ...self, layerMs: 9 }),
    candidate("b", [0, 8], { layerMs: 0.1 }),
  ]);
  assert.equal(found.isSolo, true);
  assert.deepEqual(found.stages?.map(({ peer }) => peer), ["me"]);
  assert.deepEqual(found.readers, []);
  assert.deepEqual(reasons(found), { me: "chosen", b: "standby" });
});

test("the cheapest way is taken, and who could step in is a standby", () => {
  const found = plan(need, [
    candidate("me", [0, 4], self),
    candidate("far", [4, 8], { roundTripMs: 80 }),
    candidate("near", [4, 8], { roundTripMs: 4, layerMs: 2 }),
  ]);
  const stages = found.stages?.map(({ peer, from, to }) => `${peer} ${from}-${to}`);
  assert.deepEqual(stages, ["me 0-4", "near 4-8"]);
  assert.deepEqual(reasons(found), { me: "chosen", far: "standby", near: "chosen" });
  assert.equal(found.costMs, 4 + 2 + 8 + 2);
});

test("members get neither the first nor the last layers, and readers are named", () => {
  const found = plan(need, [
    candidate("me", [0, 2], self),
    candidate("m", [0, 8], { trust: "member" }),
    candidate("own", [6, 8]),
    candidate("edge", [7, 8], { trust: "member" }),
  ]);
  const stages = found.stages?.map(({ peer, from, to }) => `${peer} ${from}-${to}`);
  assert.deepEqual(stages?.[0]?.slice(0, 4), "me 0");
  assert.deepEqual(stages?.at(-1)?.slice(-1), "8");
  assert.deepEqual(found.stages?.at(-1)?.peer, "own");
  assert.deepEqual(found.readers, ["m"]);
  assert.equal(reasons(found)["edge"], "not-own");
});

test("who computes early layers reads the answer too, and who could step in is judged by what it may get", () => {
  const wide = { ...need, layerCount: 32, ownEdgeLayers: 1 };
  const found = plan(wide, [
    candidate("me", [0, 1], { ...self, head: true }),
    candidate("early", [1, 6], { trust: "member", layerMs: 0.1 }),
    candidate("middle", [6, 26], { trust: "member", layerMs: 0.1 }),
    candidate("late", [26, 32]),
    candidate("spare", [0, 32], { trust: "member" }),
    candidate("edge", [0, 1], { trust: "member" }),
  ]);
  assert.deepEqual(found.stages?.map(({ peer }) => peer), ["me", "early", "middle", "late"]);
  assert.deepEqual(found.readers, ["early"]);
  assert.deepEqual(found.answerReaders, ["early", "late"]);
  const reads = Object.fromEntries(found.candidates.map(({ peer, reads }) => [peer, reads]));
  assert.deepEqual(reads["middle"], { prompt: false, answer: false });
  assert.deepEqual(reads["spare"], { prompt: true, answer: true });
  // It may be given none of its layers.
  assert.deepEqual(reads["edge"], { prompt: false, answer: false });
  assert.deepEqual(reads["me"], { prompt: false, answer: false });
});

test("what was not measured is marked, and so is a time that is made of it", () => {
  const found = plan(need, [
    candidate("me", [0, 2], self),
    candidate("near", [2, 5], { roundTripMs: 4 }),
    candidate("new", [5, 8], { layerMs: undefined, roundTripMs: undefined }),
  ]);
  const bases = found.stages?.map(({ computeBasis, hopBasis }) => [computeBasis, hopBasis]);
  assert.deepEqual(bases, [
    ["measured", "measured"],
    ["measured", "measured"],
    ["guessed", "guessed"],
  ]);
  assert.equal(found.costBasis, "guessed");
  const known = plan(need, [
    candidate("me", [0, 2], self),
    candidate("near", [2, 5], { roundTripMs: 4 }),
    candidate("next", [5, 8], { roundTripMs: 4 }),
  ]);
  assert.equal(known.stages?.[2]?.hopBasis, "estimated");
  assert.equal(known.costBasis, "estimated");
});

test("class, room, slots and exclusion bar a node, each with its reason; gaps are named", () => {
  const found = plan({ ...need, excluded: new Set(["gone"]) }, [
    candidate("me", [0, 2], self),
    candidate("class", [2, 8], { hasClass: false }),
    candidate("room", [2, 8], { freePositions: 99 }),
    candidate("slot", [2, 8], { freeSlots: 0 }),
    candidate("gone", [2, 8]),
    candidate("none", [3, 3]),
    candidate("end", [5, 8]),
  ]);
  assert.equal(found.stages, undefined);
  assert.deepEqual(found.missing, [2, 3, 4]);
  assert.deepEqual(reasons(found), {
    me: "not-needed",
    class: "other-class",
    room: "no-room",
    slot: "no-slot",
    gone: "excluded",
    none: "no-layers",
    end: "not-needed",
  });
});

test("what nobody has measured is dearer than what was, and still used when there is no other", () => {
  const unknown = { layerMs: undefined, roundTripMs: undefined };
  const both = [candidate("me", [0, 4], self), candidate("new", [4, 8], unknown)];
  assert.equal(plan(need, both).stages?.[1]?.peer, "new");
  const found = plan(need, [...both, candidate("slow", [4, 8], { layerMs: 3, roundTripMs: 90 })]);
  assert.equal(found.stages?.[1]?.peer, "slow");
});

test("whatever nodes there are, a plan covers each layer once, by nodes that hold it and may", () => {
  const node = fc.record({
    from: fc.nat(7),
    length: fc.nat(8),
    member: fc.boolean(),
    layerMs: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    roundTripMs: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
    freePositions: fc.integer({ min: 50, max: 200 }),
  });
  fc.assert(fc.property(fc.array(node, { maxLength: 8 }), (nodes) => {
    const candidates = nodes.map(({ from, length, member, ...rest }, i) =>
      candidate(`n${i}`, [from, Math.min(8, from + length)], {
        trust: member ? "member" : "own",
        ...rest,
        ...i === 0 ? self : {},
      })
    );
    const found = plan(need, candidates);
    assert.equal(found.candidates.length, candidates.length);
    let layer = 0;
    for (const { peer, from, to } of found.stages ?? []) {
      const one = candidates.find((each) => each.peer === peer);
      assert(one !== undefined && from === layer && to > from);
      assert(one.layers.from <= from && to <= one.layers.to);
      assert((one.freePositions ?? 0) >= need.positions);
      assert(one.isSelf || one.trust === "own" || (from >= 1 && to <= 7));
      layer = to;
    }
    assert(found.stages === undefined || layer === 8);
  }));
});

test("a node takes the layers that nobody has, as many as fit", () => {
  const layerBytes = Array.from({ length: 8 }, () => 10);
  const others = [{ from: 0, to: 4 }];
  const layers = { layerCount: 8, layerBytes };
  assert.deepEqual(chooseLayers({ ...layers, freeBytes: 40, others }), { from: 4, to: 8 });
  assert.deepEqual(chooseLayers({ ...layers, freeBytes: 25, others }), { from: 4, to: 6 });
  assert.deepEqual(chooseLayers({ ...layers, freeBytes: 999, others }), { from: 0, to: 8 });
  assert.deepEqual(chooseLayers({ ...layers, freeBytes: 9, others }), { from: 0, to: 0 });
  const edges = { ...layers, freeBytes: 999, others: [], edgeLayers: 2 };
  assert.deepEqual(chooseLayers(edges), { from: 2, to: 6 });
});
