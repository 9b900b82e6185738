// Goal: masks allow exactly the tokens whose bytes fit, whatever the grammar. Method: random
// expressions, judged by the regular expressions that mean the same, and token by token against
// single bytes.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  choice,
  compileGrammar,
  GrammarError,
  jsonObjectGrammar,
  parseGrammar,
  repeat,
  sequence,
  text,
  vocabularyTree,
} from "../../src/grammar/mod.ts";
import type { Expression } from "../../src/grammar/mod.ts";
import { seeded } from "./_random_schemas.ts";
import { allowedTokens, controlToken, endToken, vocabulary, walk } from "./_walks.ts";

const runs = 150 * Number(process.env["SKEP_TEST_RUNS"] ?? "1");

interface Pair {
  readonly expression: Expression;
  readonly pattern: string;
}

const pairs: fc.Arbitrary<Pair> = fc.letrec<{ pair: Pair }>((tie) => ({
  pair: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom("a", "b", "ab", "").map((value): Pair => ({
      expression: text(value),
      pattern: `(?:${value})`,
    })),
    fc.array(tie("pair"), { minLength: 1, maxLength: 3 }).map((parts): Pair => ({
      expression: sequence(...parts.map(({ expression }) => expression)),
      pattern: parts.map(({ pattern }) => pattern).join(""),
    })),
    fc.array(tie("pair"), { minLength: 1, maxLength: 3 }).map((parts): Pair => ({
      expression: choice(...parts.map(({ expression }) => expression)),
      pattern: `(?:${parts.map(({ pattern }) => pattern).join("|")})`,
    })),
    fc.tuple(tie("pair"), fc.nat({ max: 2 }), fc.option(fc.nat({ max: 2 }))).map(
      ([part, min, more]): Pair => ({
        expression: repeat(part.expression, min, more === null ? undefined : min + more),
        pattern: `(?:${part.pattern}){${min},${more === null ? "" : min + more}}`,
      }),
    ),
  ),
})).pair;

const letters = vocabularyTree({
  size: 7,
  tokenBytes: (id) => new TextEncoder().encode(["a", "b", "ab", "ba", "aab", "bbb", ""][id] ?? ""),
  endTokens: [6],
});

function textsUpTo(length: number): string[] {
  const texts = [""];
  for (const before of texts) if (before.length < length) texts.push(`${before}a`, `${before}b`);
  return texts;
}

test("A grammar accepts what the same regular expression accepts, and allows what can go on", () => {
  fc.assert(
    fc.property(pairs, ({ expression, pattern }) => {
      const grammar = compileGrammar(
        { root: "r", rules: new Map([["r", expression]]) },
        { vocabulary: letters },
      );
      const whole = new RegExp(`^(?:${pattern})$`);
      for (const given of textsUpTo(5)) {
        const matcher = grammar.matcher();
        const isPrefix = [...given].every((letter) => {
          const token = letter === "a" ? 0 : 1;
          if (!allowedTokens(matcher.mask()).includes(token)) return false;
          matcher.accept(token);
          return true;
        });
        assert.equal(isPrefix && matcher.mayEnd, whole.test(given), `${pattern}: ${given}`);
        if (!isPrefix) continue;
        const allowed = allowedTokens(matcher.mask());
        assert.equal(allowed.includes(6), matcher.mayEnd);
        [..."a b ab ba aab bbb".split(" ")].forEach((piece, token) => {
          const fork = matcher.fork();
          const fits = [...piece].every((letter) => {
            const one = letter === "a" ? 0 : 1;
            if (!allowedTokens(fork.mask()).includes(one)) return false;
            fork.accept(one);
            return true;
          });
          assert.equal(allowed.includes(token), fits, `${pattern}: ${given} then ${piece}`);
        });
      }
    }),
    { numRuns: runs },
  );
});

test("JSON objects of any depth are accepted, and control tokens never", () => {
  const grammar = compileGrammar(jsonObjectGrammar, { vocabulary });
  const matcher = grammar.matcher();
  const given = `{"a":[1,-2.5e+3,{"b":[[[[]]]],"é😀":"\\n\\"\\u001f"}],"c":null,"":true}`;
  for (const byte of new TextEncoder().encode(given)) {
    assert.ok(!allowedTokens(matcher.mask()).includes(controlToken));
    assert.ok(!allowedTokens(matcher.mask()).includes(endToken));
    matcher.accept(byte);
  }
  assert.deepEqual(allowedTokens(matcher.mask()), [endToken]);
  matcher.accept(endToken);
  assert.equal(matcher.ended, true);
  assert.throws(() => matcher.accept(endToken), RangeError);
  let ended = 0;
  for (let seed = 0; seed < 20; seed++) {
    const found = walk(grammar, { random: seeded(seed), tokensMax: 400 });
    if (found === undefined) continue;
    ended++;
    assert.equal(typeof JSON.parse(found), "object");
  }
  assert.ok(ended > 0);
});

test("A control token that is spelled fits as its text does", () => {
  const grammar = compileGrammar(parseGrammar('root ::= "[GO]" [0-9]'), {
    vocabulary,
    spelled: new Map([[controlToken, "[GO]"]]),
  });
  const matcher = grammar.matcher();
  assert.ok(allowedTokens(matcher.mask()).includes(controlToken));
  matcher.accept(controlToken);
  assert.ok(!allowedTokens(matcher.mask()).includes(controlToken));
  matcher.accept(0x31);
  assert.deepEqual(allowedTokens(matcher.mask()), [endToken]);
});

test("A vocabulary that cannot spell what must come is told so", () => {
  const matcher = compileGrammar(parseGrammar('root ::= "a" "x"'), { vocabulary: letters })
    .matcher();
  matcher.accept(0);
  assert.throws(
    () => matcher.mask(),
    (thrown) => thrown instanceof GrammarError && thrown.code === "dead-end",
  );
});

test("Tokens with the same bytes are allowed together, and very long ones never", () => {
  const texts = ["a", "a", "aa", "a".repeat(70_000), ""];
  const tree = vocabularyTree({
    size: 5,
    tokenBytes: (id) => new TextEncoder().encode(texts[id] ?? ""),
    endTokens: [4],
  });
  const matcher = compileGrammar(parseGrammar('root ::= "a"+'), { vocabulary: tree }).matcher();
  assert.deepEqual(allowedTokens(matcher.mask()), [0, 1, 2]);
});

test("An ambiguous grammar is held to without growing beyond bounds", () => {
  const grammar = compileGrammar(
    parseGrammar('root ::= s "."\ns ::= "a" | "a" s | "a" s s'),
    { vocabulary },
  );
  const matcher = grammar.matcher();
  assert.throws(
    () => {
      for (let i = 0; i < 5000; i++) matcher.accept(0x61);
    },
    (thrown) => thrown instanceof GrammarError && thrown.code === "too-large",
  );
});
