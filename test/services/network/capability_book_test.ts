/** Goal: what services say becomes one thing that the node says, bounded, and told apart by source. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CapabilityBook } from "../../../src/services/network/capability_book.ts";
import type { ModelShare } from "../../../src/mesh/mod.ts";

const whole = { from: 0, to: 4 };

function share(root: string, more: Partial<ModelShare> = {}): ModelShare {
  return {
    root: root.repeat(64),
    name: "m",
    layerCount: 4,
    parts: { layers: whole, embedding: true, head: true, complete: true },
    ...more,
  };
}

test("set() joins what several services say, and replaces what one has said", () => {
  const book = new CapabilityBook();
  assert.equal(book.set("inference", { models: [share("a")], freeSlots: 3 }), true);
  assert.equal(book.set("parts", { models: [share("a", { name: "n" }), share("b")] }), true);
  assert.deepEqual(book.capabilities.models.map(({ name }) => name), ["n", "m"]);
  assert.equal(book.capabilities.freeSlots, 3);
  assert.equal(book.set("parts", { models: [] }), true);
  assert.deepEqual(book.capabilities.models.map(({ name }) => name), ["m"]);
  assert.equal(book.set("parts", { models: [] }), false, "the same again changes nothing");
});

test("set() keeps the fields of a model that only one of two services says", () => {
  const book = new CapabilityBook();
  const loaded = { layers: { from: 0, to: 2 }, embedding: true, head: false, complete: false };
  book.set("inference", { models: [share("a", { loaded, layerMs: 2 })] });
  book.set("parts", { models: [share("a")] });
  assert.deepEqual(book.capabilities.models[0]?.loaded, loaded);
  assert.equal(book.capabilities.models[0]?.layerMs, 2);
});

test("set() refuses what a peer would not read, and leaves the rest as it was", () => {
  const book = new CapabilityBook();
  book.set("inference", { freeSlots: 2 });
  const name = "x".repeat(120);
  const models = Array.from({ length: 200 }, (_, i) => ({
    ...share("a", { name }),
    root: i.toString(16).padStart(64, "0"),
  }));
  assert.throws(() => book.set("parts", { models }), RangeError);
  assert.equal(book.capabilities.models.length, 0);
  assert.equal(book.capabilities.freeSlots, 2);
  for (let i = 0; i < 31; i++) book.set(`s${i}`, {});
  assert.throws(() => book.set("one-more", {}), /at most 32 services/);
});
