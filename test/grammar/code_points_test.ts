import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { complement, includes, normalised, utf8Sequences } from "../../src/grammar/code_points.ts";
import type { Range } from "../../src/grammar/mod.ts";

const range = fc.tuple(fc.nat({ max: 0x10ffff }), fc.nat({ max: 0x10ffff })).map(
  ([a, b]): Range => [Math.min(a, b), Math.max(a, b)],
);

test("utf8Sequences() spell exactly the characters of their ranges", () => {
  const encoder = new TextEncoder();
  fc.assert(
    fc.property(
      fc.array(range, { maxLength: 3 }),
      fc.string({ unit: "binary" }),
      (ranges, text) => {
        const sequences = utf8Sequences(ranges);
        for (const character of text) {
          const codePoint = character.codePointAt(0) ?? 0;
          const bytes = encoder.encode(character);
          const isSpelled = sequences.filter((sequence) =>
            sequence.length === bytes.length &&
            sequence.every(([from, to], at) => (bytes[at] ?? 0) >= from && (bytes[at] ?? 0) <= to)
          ).length;
          const isIn = includes(ranges, codePoint) && !(codePoint >= 0xd800 && codePoint <= 0xdfff);
          if (codePoint < 0xd800 || codePoint > 0xdfff) assert.equal(isSpelled, isIn ? 1 : 0);
        }
      },
    ),
  );
});

test("complement() is what is in none of the ranges, and of itself gives the ranges", () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 4 }), fc.nat({ max: 0x10ffff }), (ranges, point) => {
      const isSurrogate = point >= 0xd800 && point <= 0xdfff;
      assert.equal(includes(complement(ranges), point), !includes(ranges, point) && !isSurrogate);
      assert.deepEqual(complement(complement(ranges)), normalised(ranges));
    }),
  );
});
