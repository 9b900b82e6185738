import assert from "node:assert/strict";
import { test } from "node:test";
import {
  LINKS_MAX,
  PATIENCE_MAX,
  PATIENCE_MS,
  RETURN_MS,
  SILENCE_MS_MAX,
  SILENCE_MS_MIN,
} from "../../../src/mesh/libp2p/limits.ts";
import { Patience } from "../../../src/mesh/libp2p/patience.ts";

const [one, other] = ["aa".repeat(32), "bb".repeat(32)] as const;

function world(): { readonly patience: Patience; readonly pass: (ms: number) => void } {
  let nowMs = 1000;
  const patience = new Patience({ monotonicMs: () => nowMs });
  return { patience, pass: (ms) => void (nowMs += ms) };
}

test("Patience gives a peer twice the time that was silent and is back soon, up to a limit", () => {
  const { patience, pass } = world();
  assert.equal(patience.silenceMsOf(one), SILENCE_MS_MIN);
  for (const factor of [2, 4, PATIENCE_MAX]) {
    patience.silent(one);
    pass(RETURN_MS);
    patience.heard(one);
    assert.equal(patience.silenceMsOf(one), SILENCE_MS_MIN * factor);
  }
  assert(SILENCE_MS_MIN * PATIENCE_MAX <= SILENCE_MS_MAX);
  assert.equal(patience.silenceMsOf(other), SILENCE_MS_MIN);
});

test("Patience is as short as ever with who was gone for long, who only comes back, and after a while", () => {
  const { patience, pass } = world();
  patience.heard(one);
  assert.equal(patience.silenceMsOf(one), SILENCE_MS_MIN);
  patience.silent(one);
  pass(RETURN_MS + 1);
  patience.heard(one);
  assert.equal(patience.silenceMsOf(one), SILENCE_MS_MIN);
  patience.silent(one);
  patience.heard(one);
  patience.heard(one);
  assert.equal(patience.silenceMsOf(one), 2 * SILENCE_MS_MIN);
  pass(PATIENCE_MS);
  assert.equal(patience.silenceMsOf(one), SILENCE_MS_MIN);
});

test("Patience knows of as many peers as there may be links, and forgets the first of more", () => {
  const { patience, pass } = world();
  const keys = Array.from({ length: LINKS_MAX + 2 }, (_, i) => `guest ${i}`);
  const factorOf = (i: number): number => patience.silenceMsOf(keys[i] ?? "") / SILENCE_MS_MIN;
  for (const key of keys) {
    patience.silent(key);
    patience.heard(key);
    pass(1);
  }
  assert.deepEqual([0, 1, 2, 3, LINKS_MAX + 1].map(factorOf), [1, 1, 2, 2, 2]);
  // All are silent at once: those that were silent last are remembered.
  for (const key of keys) patience.silent(key);
  for (const key of keys) patience.heard(key);
  assert.deepEqual([0, 1, 2, LINKS_MAX + 1].map(factorOf), [1, 1, 4, 4]);
});
