/** Cutting at special tokens: longest first, white space that tokens take away, and time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SpecialTokenFinder } from "../../../src/model/tokenizers/_special_tokens.ts";
import { fixtureTokenizer } from "./_made.ts";
import { isSoon } from "../../_soon.ts";

const TOKENS = [{ text: "<x>", id: 1 }, { text: "<x>y", id: 2 }, { text: "<m>", id: 3 }];

function cut(finder: SpecialTokenFinder, text: string): (string | number)[] {
  return finder.split(text).map((part) => "id" in part ? part.id : part.text);
}

test("split() takes the longer token first, and leaves no empty parts", () => {
  const finder = new SpecialTokenFinder(TOKENS);
  assert.deepEqual(cut(finder, "<x>y<x> <m>"), [2, 1, " ", 3]);
  assert.deepEqual(cut(finder, "<x"), ["<x"]);
  assert.deepEqual(cut(finder, ""), []);
});

test("split() gives the white space beside a token to the token that strips it", () => {
  const finder = new SpecialTokenFinder(TOKENS, {
    stripsLeft: new Set([3]),
    stripsRight: new Set([1]),
  });
  assert.deepEqual(cut(finder, "a <x> \n\tb <m> c"), ["a ", 1, "b", 3, " c"]);
  assert.deepEqual(cut(finder, "<x>  <m>"), [1, 3]);
  assert.deepEqual(cut(finder, " <x> "), [" ", 1]);
  assert.deepEqual(cut(finder, "<x>\u00a0"), [1, "\u00a0"], "only ASCII white space");
});

test("phi-3's tokens take the white space behind them away, as llama.cpp has it", async () => {
  const tokenizer = await fixtureTokenizer("phi-3");
  const ids = tokenizer.encode("<|end|>\n x", { addBos: false, parseSpecial: true });
  assert.deepEqual([...ids], [32_007, 921]);
});

test("split() of a long text takes linear time", async () => {
  const tokenizer = await fixtureTokenizer("falcon");
  const specials = new SpecialTokenFinder(tokenizer.specialTokens);
  for (const unit of [">", ">>", "<", ">>TITLE", ">>TITLE<<"]) {
    const text = unit.repeat(300_000 / unit.length);
    await isSoon(unit, { msMax: 2000, act: () => void specials.split(text) });
  }
});
