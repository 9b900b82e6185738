/** Goal: a card that comes before the roster that names its node is not lost, and strangers' are bounded. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { noCapabilities } from "../../../src/mesh/mod.ts";
import type { Card } from "../../../src/mesh/mod.ts";
import { CardBox } from "../../../src/services/network/card_box.ts";

function cardOf(number: number, sequence = 1): Card {
  return {
    key: number.toString(16).padStart(64, "0"),
    instance: "1".repeat(32),
    ...{ incarnation: 1, sequence, addresses: [], capabilities: noCapabilities },
  };
}

test("a card of a node that becomes a member is there from then on, and is news once", () => {
  const box = new CardBox();
  const [one, two] = [cardOf(1), cardOf(2)];
  box.putEarly(one);
  box.putEarly(cardOf(1, 2));
  box.putEarly(two);
  assert.equal(box.get(one.key), undefined);
  const members = new Set([one.key]);
  assert.deepEqual(box.takeEarly(members).map(({ key, sequence }) => [key, sequence]), [
    [one.key, 2],
  ]);
  assert.equal(box.get(one.key)?.sequence, 2);
  assert.deepEqual(box.takeEarly(members), []);
  // What its owner has said meanwhile counts more.
  box.put(cardOf(2, 1), true);
  assert.deepEqual(box.takeEarly(new Set([two.key])), []);
});

test("of strangers no more than a few cards are kept, the newest ones", () => {
  const box = new CardBox();
  for (let number = 1; number <= 200; number++) box.putEarly(cardOf(number));
  const all = new Set(Array.from({ length: 200 }, (_, i) => cardOf(i + 1).key));
  const kept = box.takeEarly(all);
  assert.equal(kept.length, 64);
  assert.equal(kept[0]?.key, cardOf(137).key);
});
