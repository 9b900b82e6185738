import assert from "node:assert/strict";
import { test } from "node:test";
import { HeardCards } from "../../../src/services/network/heard_cards.ts";

const key = "ab".repeat(32);
const capabilities = {
  protocols: [],
  numericClasses: [],
  models: [],
  freeSlots: 1,
  headroom: null,
  memoryFreeBytes: null,
  logHead: null,
};

function message(sequence: number): Uint8Array {
  const card = { key, instance: "0".repeat(32), incarnation: 5, sequence, addresses: [] };
  return new TextEncoder().encode(JSON.stringify({ ...card, capabilities }));
}

test("HeardCards.read() reads a card, and the same bytes not once more", () => {
  const heard = new HeardCards();
  const first = heard.read(message(1), key);
  assert.equal(first.sequence, 1);
  assert.equal(heard.read(message(1), key), first);
  assert.equal(heard.read(message(2), key).sequence, 2);
});

test("HeardCards.read() takes a card from its owner alone, and what is none from nobody", () => {
  const heard = new HeardCards();
  heard.read(message(1), key);
  assert.throws(() => heard.read(message(1), "cd".repeat(32)), { code: "wrong-sender" });
  assert.throws(() => heard.read(message(1).subarray(1), key), { code: "malformed" });
});
