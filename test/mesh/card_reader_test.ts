import assert from "node:assert/strict";
import { test } from "node:test";
import { cardOfText, cardsOfText, sameCard, textOfCard } from "../../src/mesh/card_reader.ts";
import { noCapabilities } from "../../src/mesh/capabilities.ts";
import type { Card } from "../../src/mesh/card.ts";

function card(sequence: number): Card {
  const key = "ab".repeat(32);
  const capabilities = { ...noCapabilities, models: [] };
  const instance = "0".repeat(32);
  return { key, instance, incarnation: 5, sequence, addresses: ["/memory/a"], capabilities };
}

test("a card's text is read once: the same text gives the same frozen card", () => {
  const first = cardOfText(textOfCard(card(1)));
  assert.deepEqual(first, card(1));
  assert.equal(cardOfText(textOfCard(card(1))), first);
  assert.equal(cardsOfText(`[${textOfCard(card(2))}, ${textOfCard(card(1))}]`, 2)[1], first);
  assert.equal(sameCard(card(1)), first);
  assert.throws(() => first.addresses.push("/memory/b"), TypeError);
  assert.equal(cardOfText(textOfCard(card(3))).sequence, 3);
});

test("what is no card is refused by name, however often it comes", () => {
  for (let time = 0; time < 2; time++) {
    assert.throws(() => cardOfText(textOfCard(card(-1))), { message: /"sequence"/ });
    assert.throws(() => cardsOfText(`[${textOfCard(card(1))},${textOfCard(card(-1))}]`, 2), {
      message: /"1\.sequence"/,
    });
    assert.throws(() => cardsOfText("{}", 2), { code: "malformed" });
    assert.throws(() => cardsOfText("[1,2,3]", 2), { code: "malformed" });
    assert.throws(() => cardOfText("{"), { code: "malformed" });
  }
});
