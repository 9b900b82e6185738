// Goal: a draft is what followed the same few tokens before. Method: a plain search through the
// sequence, and cases by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PromptLookup } from "../../../src/services/inference/prompt_lookup.ts";

function lookupOf(tokens: readonly number[]): PromptLookup {
  const lookup = new PromptLookup();
  lookup.push(tokens);
  return lookup;
}

/** The latest earlier place where the longest run of 4, 3 or 2 last tokens stood. */
function searched(tokens: readonly number[]): number | undefined {
  for (const length of [4, 3, 2]) {
    const end = tokens.slice(-length).join();
    for (let at = tokens.length - 1; at >= length && tokens.length > length; at--) {
      if (tokens.slice(at - length, at).join() === end) return tokens[at];
    }
  }
  return undefined;
}

test("PromptLookup.draft() begins with what a plain search finds, however tokens were appended", () => {
  const tokens = fc.array(fc.constantFrom(0, 1, 2, 200_000), { maxLength: 40 });
  fc.assert(fc.property(tokens, fc.nat(40), (row, cut) => {
    const lookup = lookupOf(row.slice(0, cut));
    lookup.push(row.slice(cut));
    assert.equal(lookup.draft(1)[0], searched(row));
  }));
});

test("PromptLookup.draft() goes on with what it drafted where the sequence ends", () => {
  assert.deepEqual(lookupOf([1, 2, 3, 1, 2, 3, 1, 2]).draft(5), [3, 1, 2, 3, 1]);
  assert.deepEqual(lookupOf([7, 7, 7]).draft(3), [7, 7, 7]);
});

test("PromptLookup.draft() has nothing to say of an end that is new", () => {
  assert.deepEqual(lookupOf([1, 2, 3, 4]).draft(4), []);
  assert.deepEqual(lookupOf([]).draft(4), []);
  assert.deepEqual(lookupOf([1, 2, 1, 2]).draft(0), []);
});
