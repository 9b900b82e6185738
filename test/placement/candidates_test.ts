/** Goal: what nodes say of themselves becomes candidates, within the rules; nobody is left out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { noCapabilities } from "../../src/mesh/mod.ts";
import type { ModelShare } from "../../src/mesh/mod.ts";
import { candidatesOf, modelsOf } from "../../src/placement/mod.ts";
import type { MeshNode } from "../../src/placement/mod.ts";

const root = "a".repeat(64);
const rules = { ownEnds: true };

function share(from: number, to: number, more: Partial<ModelShare> = {}): ModelShare {
  const parts = { layers: { from, to }, embedding: from === 0, head: to === 8, complete: false };
  return { root, name: "m", layerCount: 8, parts, loaded: parts, numericClass: "c/1", ...more };
}

function node(key: string, models: ModelShare[], more: Partial<MeshNode> = {}): MeshNode {
  return {
    key,
    isSelf: false,
    isLinked: true,
    trust: "member",
    roundTripMs: 4,
    capabilities: { ...noCapabilities, models, freeSlots: 3 },
    ...more,
  };
}

test("every node is a candidate, with what it computes of the model and how far it is", () => {
  const nodes = [
    node("self", [share(0, 2)], { isSelf: true, roundTripMs: undefined }),
    node("own", [share(2, 8, { layerMs: 2, freePositions: 64 })], { trust: "own" }),
    node("quiet", [], { capabilities: null, isLinked: false }),
    node("disk", [share(0, 8, { loaded: undefined })]),
    node("other", [share(0, 8, { numericClass: "c/2" })]),
  ];
  const found = candidatesOf(nodes, { model: { root, numericClass: "c/1" }, rules });
  assert.deepEqual(found.map(({ peer }) => peer), nodes.map(({ key }) => key));
  const [self, own, quiet, disk, other] = found;
  assert.deepEqual([self?.trust, self?.roundTripMs, self?.freeSlots], ["own", 0, null]);
  assert.deepEqual([own?.layerMs, own?.freePositions, own?.head], [2, 64, true]);
  assert.deepEqual([quiet?.isReachable, quiet?.layers], [false, { from: 0, to: 0 }]);
  assert.deepEqual(disk?.layers, { from: 0, to: 0 });
  assert.equal(other?.hasClass, false);
});

test("a member neither embeds nor computes logits, unless the rules let it", () => {
  const about = { model: { root, numericClass: "c/1" } };
  const nodes = [node("m", [share(0, 8)])];
  const [strict] = candidatesOf(nodes, { ...about, rules });
  assert.deepEqual([strict?.embedding, strict?.head], [false, false]);
  const [open] = candidatesOf(nodes, { ...about, rules: { ownEnds: false } });
  assert.deepEqual([open?.embedding, open?.head], [true, true]);
});

test("models are those that somebody at hand computes, each once and by name", () => {
  const second = { root: "b".repeat(64), name: "a" };
  const models = modelsOf([
    node("p", [share(0, 4, { name: "theirs" }), share(0, 8, { ...second })]),
    node("self", [share(0, 8, { name: "mine" })], { isSelf: true }),
    node("gone", [share(0, 8, { root: "c".repeat(64) })], { isLinked: false }),
    node("disk", [share(0, 8, { root: "d".repeat(64), loaded: undefined })]),
  ]);
  assert.deepEqual(models.map(({ name }) => name), ["a", "mine"]);
});
