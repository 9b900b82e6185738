/** Goal: making grammars ready keeps nobody waiting, and what is wrong with one is told at once. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { GrammarError, parseGrammar } from "../../../src/grammar/mod.ts";
import { createMetrics } from "../../../src/kernel/mod.ts";
import { bytesSource, embeddedModel, loadTokenizer, openGguf } from "../../../src/model/mod.ts";
import type { Tokenizer } from "../../../src/model/mod.ts";
import { realClock } from "../../../src/ports/mod.ts";
import type { Clock } from "../../../src/ports/mod.ts";
import { GrammarStore } from "../../../src/services/inference/grammar_store.ts";
import { grammarsMax, sortingMsMax } from "../../../src/services/inference/limits.ts";
import { expandVocabulary } from "../../model/_compact_vocabulary.ts";

let large: Promise<Tokenizer> | undefined;

/** Qwen 2's 151,936 tokens; the same ones each time. */
function largeTokenizer(): Promise<Tokenizer> {
  const fixture = new URL("../../fixtures/vocab/qwen2.vocab.br", import.meta.url);
  large ??= openGguf(bytesSource(expandVocabulary(readFileSync(fixture)), "qwen2"))
    .then(loadTokenizer);
  return large;
}

/** The 512 tokens of the embedded model. */
async function smallTokenizer(): Promise<Tokenizer> {
  return loadTokenizer(await openGguf(embeddedModel()));
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
  const store = new GrammarStore({
    tokenizer,
    vocabularySize: 152_064,
    clock,
    metrics: createMetrics(),
  });
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
  const store = new GrammarStore({
    tokenizer,
    vocabularySize: 152_064,
    clock,
    metrics: createMetrics(),
  });
  const grammar = { key: "1", grammar: () => parseGrammar("root ::= root") };
  assert.throws(() => store.get(grammar), GrammarError);
  assert.equal(clock.looksMax, 0);
});

test("GrammarStore gives up the grammar that was used longest ago, and counts", async () => {
  const tokenizer = await smallTokenizer();
  const metrics = createMetrics();
  const store = new GrammarStore({
    tokenizer,
    vocabularySize: tokenizer.vocabularySize,
    clock: new CountingClock(),
    metrics,
  });
  let made = 0;
  const ask = (name: number): void => {
    const grammar = (): ReturnType<typeof parseGrammar> => {
      made++;
      return parseGrammar(`root ::= "${name}"`);
    };
    store.get({ key: String(name), grammar });
  };
  for (let name = 0; name < grammarsMax; name++) ask(name);
  ask(0);
  assert.equal(made, grammarsMax);
  ask(grammarsMax);
  ask(0);
  assert.equal(made, grammarsMax + 1, "0 was used lately");
  ask(1);
  assert.equal(made, grammarsMax + 2, "1 was not");
  const { text } = await metrics.expose();
  for (const [event, count] of [["made", grammarsMax + 2], ["found", 2], ["dropped", 2]]) {
    assert.ok(text.includes(`skep_inference_grammars_total{event="${event}"} ${count}\n`), text);
  }
});
