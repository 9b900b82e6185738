/** The pinned classes are those of the engine for every code point that Unicode 15.1 has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  classTable,
  codePointsOf,
  CONTROL,
  LETTER,
  MARK,
  NUMBER,
  PUNCTUATION,
  SEPARATOR,
  SPACE,
  SYMBOL,
} from "../../../../src/model/tokenizers/pre/code_points.ts";

const CATEGORIES: readonly (readonly [RegExp, number])[] = [
  [/\p{N}/u, NUMBER],
  [/\p{L}/u, LETTER],
  [/\p{M}/u, MARK],
  [/\p{P}/u, PUNCTUATION],
  [/\p{S}/u, SYMBOL],
  [/\p{Z}/u, SEPARATOR],
  [/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u, CONTROL],
];

test("classTable() agrees with the engine on every code point that both know", () => {
  const classes = classTable();
  let assigned = 0;
  for (let point = 0; point < 0x110000; point++) {
    const text = String.fromCodePoint(point);
    const own = classes[point] ?? 0;
    if (own === 0) continue;
    assigned++;
    const category = CATEGORIES.find(([pattern]) => pattern.test(text))?.[1] ?? 0;
    assert.equal(own & ~SPACE, category, `U+${point.toString(16)}`);
    assert.equal((own & SPACE) !== 0, /\p{White_Space}/u.test(text), `U+${point.toString(16)}`);
  }
  // Characters, controls, private use, surrogates: the counts of the Unicode Standard, 15.1.
  assert.equal(assigned, 149_813 + 65 + 137_468 + 2048);
});

test("classTable() knows nothing that came after Unicode 15.1", () => {
  const classes = classTable();
  for (const point of [0x1c89, 0xa7cb, 0x105c0, 0x88f, 0x20c1]) assert.equal(classes[point], 0);
  for (const point of [0x2ffc, 0x2ebf0]) assert.notEqual(classes[point], 0, "new in 15.1");
});

test("codePointsOf() takes surrogate pairs as one", () => {
  const { points, classes } = codePointsOf("a\u{1f999} 1");
  assert.deepEqual([...points], [0x61, 0x1f999, 0x20, 0x31]);
  assert.deepEqual([...classes], [LETTER, SYMBOL, SEPARATOR | SPACE, NUMBER]);
});
