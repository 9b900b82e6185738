/** Merging of short and long pieces gives what the definition gives, for any ranks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NO_RANK } from "../../../src/model/tokenizers/_merges.ts";
import type { Merges } from "../../../src/model/tokenizers/_merges.ts";
import { mergeSymbols } from "../../../src/model/tokenizers/_pair_merge.ts";
import { runs } from "../_files.ts";

/** Symbols are texts of "a" and "b", by number; a pair merges when its text has a rank. */
class TextMerges implements Merges {
  readonly texts = ["a", "b"];
  readonly #ranks: ReadonlyMap<string, number>;

  constructor(ranks: ReadonlyMap<string, number>) {
    this.#ranks = ranks;
  }

  rank(left: number, right: number): number {
    return this.#ranks.get(`${this.texts[left]}${this.texts[right]}`) ?? NO_RANK;
  }

  joined(left: number, right: number): number {
    const text = `${this.texts[left]}${this.texts[right]}`;
    const known = this.texts.indexOf(text);
    return known >= 0 ? known : this.texts.push(text) - 1;
  }
}

/** The definition: join the leftmost pair of the least rank, again and again. */
function mergedByDefinition(symbols: readonly number[], merges: Merges): number[] {
  const merged = [...symbols];
  while (true) {
    let best = -1;
    let bestRank = Infinity;
    for (let i = 0; i + 1 < merged.length; i++) {
      const rank = merges.rank(merged[i] ?? 0, merged[i + 1] ?? 0);
      if (rank === NO_RANK || rank >= bestRank) continue;
      best = i;
      bestRank = rank;
    }
    if (best < 0) return merged;
    merged.splice(best, 2, merges.joined(merged[best] ?? 0, merged[best + 1] ?? 0));
  }
}

const token = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 2, maxLength: 9 });

for (
  const [name, maxLength, rankMax] of [
    ["short", 20, 40],
    ["long", 400, 40],
    ["long with equal ranks", 400, 2],
  ] as const
) {
  test(`mergeSymbols() gives what the definition gives for ${name} pieces`, () => {
    fc.assert(
      fc.property(
        fc.dictionary(token, fc.nat(rankMax), { maxKeys: 30 }),
        fc.array(fc.nat(1), { minLength: maxLength >> 2, maxLength }),
        (ranks, symbols) => {
          const merges = new TextMerges(new Map(Object.entries(ranks)));
          const merged = Int32Array.from(symbols);
          const count = mergeSymbols(merged, merges);
          const expected = mergedByDefinition(symbols, merges);
          assert.deepEqual([...merged.subarray(0, count)], expected);
        },
      ),
      { numRuns: runs(150) },
    );
  });
}
