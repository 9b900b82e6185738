import assert from "node:assert/strict";
import { test } from "node:test";
import { compileGrammar, GrammarError, parseGrammar } from "../../src/grammar/mod.ts";
import type { GrammarErrorCode } from "../../src/grammar/mod.ts";
import { vocabulary } from "./_walks.ts";

const encoder = new TextEncoder();

/** Whether a grammar's text matches a text, byte by byte. */
function matches(grammar: string, text: string): boolean {
  const matcher = compileGrammar(parseGrammar(grammar), { vocabulary }).matcher();
  try {
    for (const byte of encoder.encode(text)) matcher.accept(byte);
  } catch (thrown) {
    if (thrown instanceof RangeError) return false;
    throw thrown;
  }
  return matcher.mayEnd;
}

test("parseGrammar() reads literals, classes, groups, repetitions, comments and rules", () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['root ::= "a" "b"', ["ab"], ["", "a", "abc", "ba"]],
    ['root ::= "a" | "b" | ', ["a", "b", ""], ["ab"]],
    ['root ::= "x"* "y"+ "z"?', ["y", "xxyyz", "yz"], ["x", "zy", "yzz"]],
    ["root ::= [a-cx]{2}", ["ab", "xx"], ["a", "abc", "ad"]],
    ["root ::= [a-c]{1,}", ["a", "abcabc"], [""]],
    ['root ::= ("a" | "b"){0,2} # a comment\n', ["", "ab"], ["aba"]],
    ["root ::= [^a-z\\n]+", ["A1é😀"], ["a", "\n", ""]],
    ["root ::= [\\]\\-\\\\^]+", ["]-\\^"], ["a"]],
    ['root ::= "\\"\\n\\x41\\u00e9\\U0001F600"', ['"\nAé😀'], ["x"]],
    ['root ::= "é" [α-ω]+ .', ["éαβ中", "éω\n"], ["é", "éa中"]],
    ['root ::= a-rule b_rule\na-rule ::= "a"\n\n  b_rule\n ::=\n "b" |\n "c"', ["ab", "ac"], ["a"]],
    ['root ::= "(" root ")" | "x"', ["x", "(x)", "((x))"], ["(x", "x)"]],
    ['root ::= ("" | "a"*)* "b"', ["b", "aab"], ["a"]],
    ['root ::= s\ns ::= "a" s "b" s | ""', ["", "ab", "aabb", "abab", "aababb"], [
      "a",
      "ba",
      "aab",
    ]],
  ];
  for (const [grammar, good, bad] of cases) {
    for (const text of good) assert.ok(matches(grammar, text), `${grammar}: ${text}`);
    for (const text of bad) assert.ok(!matches(grammar, text), `${grammar}: ${text}`);
  }
});

test("A class matches whole characters only, in their one spelling", () => {
  const matcher = (): ReturnType<ReturnType<typeof compileGrammar>["matcher"]> =>
    compileGrammar(parseGrammar("root ::= [^a]"), { vocabulary }).matcher();
  const invalid = [[0x80], [0xc0, 0x80], [0xe0, 0x80], [0xed, 0xa0], [0xf4, 0x90], [0xf5], [0xff]];
  for (const bytes of invalid) {
    const one = matcher();
    assert.throws(() => bytes.forEach((byte) => one.accept(byte)), RangeError, `${bytes}`);
  }
  const half = matcher();
  half.accept(0xc3);
  assert.equal(half.mayEnd, false);
  half.accept(0xa9);
  assert.equal(half.mayEnd, true);
});

test("parseGrammar() says where and why it cannot read", () => {
  const cases: readonly (readonly [string, RegExp, GrammarErrorCode?])[] = [
    ['root ::= "a', /line 1, column 12: a closing " was expected/],
    ['root ::= "a"\nroot ::= "b"', /line 2, .*defined twice/],
    ['start ::= "a"', /there must be a rule "root"/],
    ['root "a"', /"::=" was expected/],
    ["root ::= [b-a]", /must go up/],
    ["root ::= [a", /a closing \] was expected/],
    ['root ::= ("a"', /"\)" was expected/],
    ['root ::= "a")', /"\)" has no "\("/],
    ['root ::= "a"{2,1}', /must not be from 2 to 1/],
    ['root ::= "a"{x}', /a repetition is/],
    ['root ::= "a"{99999}', /at most 16384 times/, "too-large"],
    ['root ::= "\\q"', /"\\q" is no escape/],
    ['root ::= "\\ud800"', /is no escape/],
    ["root ::= @", /"@" was not expected/],
    ["root ::= other", /rule "other" is named but not defined/],
    ['root ::= root "a" | "b"', /rule "root" begins with itself/],
    ['root ::= a\na ::= b? c\nb ::= "x"\nc ::= a "y" | "z"', /begins with itself/],
    [`root ::= ${"(".repeat(2000)}`, /nested at most/, "too-large"],
  ];
  for (const [grammar, message, code = "syntax"] of cases) {
    assert.throws(
      () => compileGrammar(parseGrammar(grammar), { vocabulary }),
      (thrown) => {
        assert.ok(thrown instanceof GrammarError, String(thrown));
        assert.equal(thrown.code, code);
        assert.match(thrown.message, message);
        return true;
      },
    );
  }
});

test("A grammar that nothing fits, or that is too large, is refused", () => {
  const cases: readonly (readonly [string, string])[] = [
    ['root ::= "a" root', "unsatisfiable"],
    ["root ::= a\na ::= b\nb ::= [a] a", "unsatisfiable"],
    ['root ::= ((("a"{1,100}){1,100}){1,100}){1,100}', "too-large"],
    [`root ::= "${"x".repeat(70_000)}"`, "too-large"],
  ];
  for (const [grammar, code] of cases) {
    assert.throws(
      () => compileGrammar(parseGrammar(grammar), { vocabulary }),
      (thrown) => thrown instanceof GrammarError && thrown.code === code,
      code,
    );
  }
});
