/** What each pre-tokeniser makes of a text: known cuts, and nothing lost in any text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PRE_TOKENIZERS, preTokenize } from "../../../../src/model/tokenizers/pre/pre_tokenizer.ts";
import { runs } from "../../_files.ts";
import { isSoon } from "../../../_soon.ts";

function cut(name: string, text: string): string {
  return preTokenize(text, PRE_TOKENIZERS.get(name)?.stages ?? []).join("|");
}

/** Cuts that the regular expressions of the pre-tokenisers give; the bar is between pieces. */
const CUTS: readonly (readonly [name: string, text: string, pieces: string])[] = [
  ["gpt-2", "Don't stop, 12345 now!  Ok", "Don|'t| stop|,| 12345| now|!| | Ok"],
  ["gpt-2", "DON'T", "DON|'|T"],
  ["llama-bpe", "DON'T stop 12345\n\n x", "DON|'T| stop| |123|45|\n\n| x"],
  ["llama-bpe", "a.b ...\n\tc", "a|.b| ...\n|\tc"],
  ["qwen2", "x 123 \n", "x| |1|2|3| \n"],
  ["qwen2", "e\u0301a", "e|\u0301a"],
  ["qwen35", "e\u0301a", "e\u0301a"],
  ["seed-coder", "x .\ny", "x| .|\n|y"],
  ["starcoder", "ab 12c", "ab| |1|2|c"],
  ["command-r", "x= 10", "x|=| |1|0"],
  ["falcon", "ab, 12345", "ab|,| |123|45"],
  ["falcon", "x``y", "x|``|y"],
  ["default", "a`b $5", "a|`|b| |$|5"],
  ["deepseek-llm", "a 1\n\u4f60\u597d x", "a| |1|\n|\u4f60\u597d| x"],
  ["deepseek-coder", "x=10 y", "x|=|1|0| y"],
  ["deepseek-v3", "1234 \u304b\u4f60.go", "123|4| |\u304b\u4f60|.go"],
  ["gpt-4o", "HTTPServer isn't", "HTTPServer| isn't"],
  ["gpt-4o", "fooBar 1234 a/\n", "foo|Bar| |123|4| a|/\n"],
  ["tekken", "fooBar's 12", "foo|Bar|'s| |1|2"],
  ["bloom", "Hello, world (x)", "Hello|,| world| (|x|)"],
  ["viking", "a1 b", "a|1| b"],
];

for (const [name, text, pieces] of CUTS) {
  test(`${name} cuts ${JSON.stringify(text)}`, () => {
    assert.equal(cut(name, text), pieces);
  });
}

test("the pieces of every pre-tokeniser, joined, are the text, and none is empty", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.string({
      unit: fc.constantFrom(
        " ",
        "\n",
        "\r",
        "a",
        "B",
        "1",
        "'",
        "s",
        ".",
        "\u00e9",
        "\u4f60",
        "\u3000",
      ),
      maxLength: 60,
    }),
  );
  for (const { stages } of new Set(PRE_TOKENIZERS.values())) {
    fc.assert(
      fc.property(text, (any) => {
        const wellFormed = any.toWellFormed();
        const pieces = preTokenize(wellFormed, stages);
        assert.equal(pieces.join(""), wellFormed);
        assert.ok(!pieces.includes(""));
      }),
      { numRuns: runs(100) },
    );
  }
});

test("every pre-tokeniser cuts long texts in linear time, whatever they repeat", async () => {
  const units = [" ", "\n", "a", "A", "\u00e9A", "1", "'", ".", " x", "\u3000\u4f60", "\u0301"];
  for (const [name, { stages }] of PRE_TOKENIZERS) {
    for (const unit of units) {
      const text = `${unit.repeat(20_000)}x`;
      const act = (): void => void preTokenize(text, stages);
      await isSoon(`${name} for ${JSON.stringify(unit)}`, { msMax: 500, act });
    }
  }
});
