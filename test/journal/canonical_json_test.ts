/** Canonical JSON against RFC 8785's own examples (sections 3.2.2 to 3.2.4, appendix B), and its refusals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeHex } from "../../src/hot/mod.ts";
import { canonicalBytes, canonicalJson } from "../../src/journal/mod.ts";

const any = { integers: "any" } as const;

test("canonicalJson() gives the RFC's example of section 3.2.4, byte for byte", () => {
  const input = String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`;
  const hex = "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a" +
    "5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e" +
    "67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d";
  const bytes = canonicalBytes(JSON.parse(input), any);
  assert.equal(encodeHex(bytes), hex);
});

test("canonicalJson() sorts as section 3.2.3 shows, by UTF-16 code units", () => {
  const input = JSON.parse(String.raw`{
    "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis"
  }`);
  const values = Object.values(JSON.parse(
    canonicalJson(input).replace(/"([^"]|\\.)*?":/g, (name) => `"k${name.slice(1)}`),
  ));
  assert.deepEqual(values, [
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
  ]);
  // testdata/structures of the RFC author's repository (cyberphone/json-canonicalization).
  const nested = {
    "1": { f: { f: "hi", F: 5 }, "\n": 56.0 },
    "10": {},
    "": "empty",
    a: {},
    "111": [{}],
    A: {},
  };
  assert.equal(
    canonicalJson(nested),
    String.raw`{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{}],"A":{},"a":{}}`,
  );
});

/** RFC 8785 appendix B: IEEE 754 bits, and the text. */
const numbers: readonly (readonly [string, string])[] = [
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
];

test("canonicalJson() writes the numbers of appendix B", () => {
  for (const [bits, text] of numbers) {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(`0x${bits}`));
    assert.equal(canonicalJson(view.getFloat64(0), any), text, bits);
  }
});

test("canonicalJson() refuses integers that a double cannot hold exactly, by default", () => {
  assert.equal(canonicalJson(2 ** 53 - 1), "9007199254740991");
  for (const value of [2 ** 53, -(2 ** 53), 1e30]) {
    assert.throws(() => canonicalJson([value]), RangeError);
  }
});

test("canonicalJson() refuses what JSON cannot say, and drops nothing silently", () => {
  class Thing {
    readonly x = 1;
  }
  const bad: unknown[] = [
    ...[NaN, Infinity, -Infinity, undefined, 1n, Symbol("s"), (): void => {}, new Date(0)],
    ...[new Map(), new Set(), new Uint8Array(1), new Thing(), "\ud800", "a\udc00b"],
    { "\udfff": 1 },
    { a: undefined },
    [1, undefined],
    new Array(2),
    { toJSON: (): number => 1 },
  ];
  for (const value of bad) assert.throws(() => canonicalJson(value), TypeError);
});

test("canonicalJson() stops at its limits", () => {
  const deep = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
  assert.equal(canonicalJson(deep(64)).length, 128);
  assert.throws(() => canonicalJson(deep(65)), RangeError);
  assert.throws(() => canonicalJson(deep(100_000)), RangeError);
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  assert.throws(() => canonicalJson(cycle), RangeError);
  assert.equal(canonicalJson("x".repeat(8), { bytesMax: 10 }).length, 10);
  assert.throws(() => canonicalJson("x".repeat(9), { bytesMax: 10 }), RangeError);
  assert.throws(() => canonicalJson("\u20ac".repeat(3), { bytesMax: 10 }), RangeError);
  assert.throws(() => canonicalJson(Array(1e6).fill(1), { bytesMax: 1000 }), RangeError);
});

test("canonicalJson() does not depend on the order of members, and reads back the same", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const safe: unknown = JSON.parse(
        JSON.stringify(value),
        (_name, item: unknown) =>
          typeof item === "number" && !Number.isSafeInteger(item) ? 0.5 : item,
      );
      let text: string;
      try {
        text = canonicalJson(safe);
      } catch (thrown) {
        assert.ok(thrown instanceof TypeError && /surrogate/.test(thrown.message));
        return;
      }
      assert.deepEqual(JSON.parse(text), safe);
      assert.equal(canonicalJson(reversed(safe)), text);
    }),
    { numRuns: 200 },
  );
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).reverse().map(([name, item]) => [name, reversed(item)]),
  );
}
