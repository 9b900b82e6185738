/** Goal: making grammars ready keeps nobody waiting, and what is wrong with one is told at once. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { GrammarError, parseGrammar } from "../../../src/grammar/mod.ts";
import { bytesSource, loadTokenizer, openGguf } from "../../../src/model/mod.ts";
import type { Tokenizer } from "../../../src/model/mod.ts";
import { realClock } from "../../../src/ports/mod.ts";
import type { Clock } from "../../../src/ports/mod.ts";
import { GrammarStore } from "../../../src/services/inference/grammar_store.ts";
import { sortingMsMax } from "../../../src/services/inference/limits.ts";
import { expandVocabulary } from "../../model/_compact_vocabulary.ts";

/** Qwen 2's 151,936 tokens. */
async function largeTokenizer(): Promise<Tokenizer> {
  const fixture = new URL("../../fixtures/vocab/qwen2.vocab.br", import.meta.url);
  return loadTokenizer(
    await openGguf(bytesSource(expandVocabulary(readFileSync(fixture)), "qwen2")),
  );
}

/** A clock of 1 ms a look that notes how much it was looked at between two pauses. */
class CountingClock implements Clock {
  pauses = 0;
  looksMax = 0;
  #looks = 0;
  #real = realClock();

  nowMs(): number {
    return 0;
  }

  monotonicMs(): number {
    this.looksMax = Math.max(this.looksMax, ++this.#looks);
    return this.pauses * 1000 + this.#looks;
  }

  after: Clock["after"] = (delayMs, fn) => this.#real.after(delayMs, fn);

  async sleep(): Promise<void> {
    this.pauses++;
    this.#looks = 0;
    await this.#real.sleep(0);
  }
}

test("GrammarStore sorts 150,000 tokens in slices of a few milliseconds, and others run between", async () => {
  const tokenizer = await largeTokenizer();
  const clock = new CountingClock();
  const store = new GrammarStore({ tokenizer, vocabularySize: 152_064, clock });
  let turns = 0;
  const others = setInterval(() => turns++, 0);
  try {
    const request = { key: "1", grammar: () => parseGrammar('root ::= "yes" | "no"') };
    const [one, two] = await Promise.all([
      store.get(request).matcher(),
      store.get(request).matcher(),
    ]);
    const { pauses } = clock;
    assert.ok(pauses >= 50, `${pauses} pauses`);
    assert.ok(clock.looksMax <= sortingMsMax + 2, `${clock.looksMax} slices without a pause`);
    assert.ok(turns >= 20, `${turns} turns`);
    assert.deepEqual(one.mask(), two.mask());
    const [yes = -1] = tokenizer.encode("yes");
    one.accept(yes);
    assert.ok(one.mayEnd);
    await store.get({ key: "2", grammar: () => parseGrammar('root ::= "x"') }).matcher();
    assert.equal(clock.pauses, pauses, "it is sorted once");
  } finally {
    clearInterval(others);
  }
});

test("GrammarStore refuses a grammar that cannot be held to before anything is sorted", async () => {
  const tokenizer = await largeTokenizer();
  const clock = new CountingClock();
  const store = new GrammarStore({ tokenizer, vocabularySize: 152_064, clock });
  const grammar = { key: "1", grammar: () => parseGrammar("root ::= root") };
  assert.throws(() => store.get(grammar), GrammarError);
  assert.equal(clock.looksMax, 0);
});
