/**
 * Goal: the tree of a vocabulary is that of a walk over its sorted tokens, made a little at a time.
 * Method: random vocabularies against the plainest way to say the same.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import process from "node:process";
import fc from "fast-check";
import { vocabularySlices, vocabularyTree } from "../../src/grammar/mod.ts";
import type { VocabularyTree } from "../../src/grammar/mod.ts";

const runs = 100 * Number(process.env["SKEP_TEST_RUNS"] ?? "1");

/** What each node says of itself: the bytes to it, its tokens, and how many nodes are below it. */
function described(tree: VocabularyTree): string[] {
  const way: number[] = [];
  return Array.from(tree.bytes, (byte, node) => {
    way.length = (tree.depths[node] ?? 0) - 1;
    way.push(byte);
    const tokens = tree.tokens.slice(tree.tokensFrom[node], tree.tokensTo[node]);
    return `${way.join(" ")}: ${tokens.join(" ")}; ${(tree.ends[node] ?? 0) - node - 1}`;
  });
}

/** The same from every beginning of every token, sorted byte by byte. */
function expected(tokens: readonly (readonly number[])[], end: number): string[] {
  const beginnings = new Map<string, number[]>();
  for (const [id, bytes] of tokens.entries()) {
    if (id === end) continue;
    for (let i = 1; i <= bytes.length; i++) {
      beginnings.set(bytes.slice(0, i).join(" "), bytes.slice(0, i));
    }
  }
  const sorted = [...beginnings.values()].sort((a, b) => {
    const at = a.findIndex((byte, i) => byte !== b[i]);
    return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
  });
  return sorted.map((bytes) => {
    const key = bytes.join(" ");
    const ids = [...tokens.keys()].filter((id) => id !== end && tokens[id]?.join(" ") === key);
    const below = sorted.filter((other) => other.join(" ").startsWith(`${key} `)).length;
    return `${key}: ${ids.join(" ")}; ${below}`;
  });
}

test("vocabularyTree() has a node for every beginning of a token, in the order of bytes", () => {
  const bytes = fc.array(fc.constantFrom(0, 1, 9, 10, 32, 97, 128, 255), { maxLength: 5 });
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 1, maxLength: 60 }), (tokens) => {
      const end = tokens.length - 1;
      const tree = vocabularyTree({
        size: tokens.length,
        tokenBytes: (id) => Uint8Array.from(tokens[id] ?? []),
        endTokens: [end],
      });
      assert.deepEqual(described(tree), expected(tokens, end));
      assert.equal(tree.depthMax, Math.max(0, ...tokens.slice(0, end).map(({ length }) => length)));
    }),
    { numRuns: runs },
  );
});

test("vocabularySlices() reads at most 1,024 tokens between two slices, and ends with the tree", () => {
  let readInSlice = 0;
  let readMax = 0;
  const options = {
    size: 20_000,
    tokenBytes: (id: number): Uint8Array => {
      readMax = Math.max(readMax, ++readInSlice);
      return new TextEncoder().encode(` ${id * 7919 % 20_000}`);
    },
    endTokens: [],
  };
  const slices = vocabularySlices(options);
  let count = 0;
  for (;;) {
    readInSlice = 0;
    const { done, value } = slices.next();
    if (done !== true) {
      count++;
      continue;
    }
    assert.ok(readMax <= 1024, `${readMax}`);
    assert.deepEqual(described(value), described(vocabularyTree(options)));
    break;
  }
  // Reading, grouping and adding each pause.
  assert.ok(count >= 2 * Math.floor(options.size / 1024), `${count}`);
});
