/**
 * DeepSeek's pre-tokenisers, in stages: each cuts what the stages before it left.
 *
 * Each stage quotes the regular expression that it stands for; see llama.cpp's src/llama-vocab.cpp.
 */
import { LETTER, PUNCTUATION, SYMBOL } from "./code_points.ts";
import {
  isLetter,
  isLineBreak,
  isNumber,
  isSpace,
  prefixAndRun,
  run,
  runEnd,
  spaceAndRun,
  stageOf,
  whiteSpace,
  within,
} from "./stage.ts";
import type { Matcher, PointTest, Span, Stage } from "./stage.ts";
import { isLetterOrMark, isPunctuationOrSymbol, singleDigits } from "./words.ts";

/** Letters of scripts that have case. */
const isCasedLetter = within(
  "41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f 386 " +
    "388-38a 38c 38e-3a1 3a3-3f5 3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba " +
    "1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 " +
    "1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4 1fc6-1fcc 1fd0-1fd3 1fd6-1fdb " +
    "1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113 2115 2119-211d 2124 2126 2128 212a-212d " +
    "212f-2134 2139 213c-213f 2145-2149 214e 2183 2184 2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2 2cf3 " +
    "a640-a66d a680-a69b a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a " +
    "ff41-ff5a 10400-1044f 104b0-104d3 104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df " +
    "1e900-1e943",
);
/** Stands for `[!-/:-~]`, fullwidth forms of them, quotation marks, CJK punctuation. */
const isAsciiPunctuationOrLetter = within(
  "21-2f 3a-7e 2018-201f 3000-3002 ff01-ff0f ff1a-ff5e",
);
/** Stands for `[U+4E00-U+9FA5 U+0800-U+4E00 U+AC00-U+D7FF]`: most of Asia's scripts. */
const isAsian = within("800-9fa5 ac00-d7ff");
const isHanOrKana = within("3040-30ff 4e00-9fa5");
const isAsciiMark = within("21-2f 3a-40 5b-60 7b-7e");
const isAsciiLetter = within("41-5a 61-7a");

const lineBreakAlone: Stage = stageOf(run(isLineBreak, 1));
const asianRuns: Stage = stageOf(run(butSpaces(isAsian)));

/** deepseek-llm. */
export const deepseekLlm: readonly Stage[] = [
  lineBreakAlone,
  stageOf(prefixAndRun(isSpace, isCasedLetter)),
  stageOf(prefixAndRun(isSpace, butSpaces(isAsciiPunctuationOrLetter))),
  spacesAtEnd,
  asianRuns,
  stageOf(run(isNumber)),
];

/** deepseek-coder. */
export const deepseekCoder: readonly Stage[] = [
  lineBreakAlone,
  stageOf(prefixAndRun(isSpace, isLetter)),
  stageOf(prefixAndRun(isSpace, (classes) => (classes & PUNCTUATION) !== 0)),
  asianRuns,
  singleDigits,
];

/** deepseek-v3. */
export const deepseekV3: readonly Stage[] = [
  stageOf(run(isNumber, 3)),
  stageOf(run(isHanOrKana)),
  stageOf(
    asciiMarkAndWord,
    prefixAndRun(isMarkPrefix, isLetterOrMark),
    spaceAndRun(isPunctuationOrSymbol, isLineBreak),
    ...whiteSpace,
  ),
];

/** White space within a range is not of it: llama.cpp sees all of it as one character. */
function butSpaces(test: PointTest): PointTest {
  return (classes, point) => !isSpace(classes) && test(classes, point);
}

/** Stands for `\s+$` */
function spacesAtEnd(span: Span, cut: (end: number) => void): void {
  let from = span.to;
  while (from > span.from && isSpace(span.classes[from - 1] ?? 0)) from--;
  if (from > span.from && from < span.to) cut(from);
  if (span.from < span.to) cut(span.to);
}

/** An ASCII punctuation mark and `[A-Za-z]+`. */
function asciiMarkAndWord(span: Span, at: number): ReturnType<Matcher> {
  if (!isAsciiMark(span.classes[at] ?? 0, span.points[at] ?? 0)) return at;
  const end = runEnd(span, { at: at + 1, test: isAsciiLetter });
  return end > at + 1 ? end : at;
}

/** Stands for `[^\r\n\p{L}\p{P}\p{S}]` */
function isMarkPrefix(classes: number, point: number): boolean {
  return (classes & (LETTER | PUNCTUATION | SYMBOL)) === 0 &&
    !isLineBreak(classes, point);
}
