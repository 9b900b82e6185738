/**
 * Pre-tokenisers that end a word where upper case follows lower case: GPT-4o's and Mistral's Tekken.
 *
 * As in llama.cpp, only ASCII letters have a case here: any other letter passes for both.
 */
import {
  isLetter,
  isLineBreak,
  isNumber,
  isOther,
  isWordPrefix,
  run,
  runEnd,
  spaceAndRun,
  stageOf,
  whiteSpace,
} from "./stage.ts";
import type { Matcher, Span, Stage } from "./stage.ts";
import { anyContraction } from "./words.ts";

/**
 * `[^\r\n\p{L}\p{N}]?U*W+C?|[^\r\n\p{L}\p{N}]?U+W*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*`, then white
 * space; U is a letter but `a-z`, W a letter but `A-Z`, C a contraction of any case.
 */
export const gpt4oWords: Stage = stageOf(
  contracted(word(lowerWord)),
  contracted(word(upperWord)),
  run(isNumber, 3),
  spaceAndRun(isOther, isBreakOrSlash),
  ...whiteSpace,
);

/** As GPT-4o's, without contractions and with each digit alone. */
export const tekkenWords: Stage = stageOf(
  word(lowerWord),
  word(upperWord),
  run(isNumber, 1),
  spaceAndRun(isOther, isBreakOrSlash),
  ...whiteSpace,
);

function word(match: Matcher): Matcher {
  return (span, at) => {
    const prefixed = isWordPrefix(span.classes[at] ?? 0, span.points[at] ?? 0);
    const from = prefixed ? at + 1 : at;
    const end = match(span, from);
    return end > from ? end : at;
  };
}

function contracted(match: Matcher): Matcher {
  return (span, at) => {
    const end = match(span, at);
    return end > at ? anyContraction(span, end) : at;
  };
}

/** Stands for `U*W+`; when nothing but U follows the run of U, its last letter of both kinds is the W. */
function lowerWord(span: Span, at: number): number {
  const upperEnd = runEnd(span, { at, test: isUpper });
  const end = runEnd(span, { at: upperEnd, test: isLower });
  if (end > upperEnd) return end;
  for (let last = upperEnd - 1; last >= at; last--) {
    if (isLower(span.classes[last] ?? 0, span.points[last] ?? 0)) return last + 1;
  }
  return at;
}

/** Stands for `U+W*` */
function upperWord(span: Span, at: number): number {
  const upperEnd = runEnd(span, { at, test: isUpper });
  return upperEnd === at ? at : runEnd(span, { at: upperEnd, test: isLower });
}

function isUpper(classes: number, point: number): boolean {
  return isLetter(classes) && !(point >= 0x61 && point <= 0x7a);
}

function isLower(classes: number, point: number): boolean {
  return isLetter(classes) && !(point >= 0x41 && point <= 0x5a);
}

function isBreakOrSlash(classes: number, point: number): boolean {
  return isLineBreak(classes, point) || point === 0x2f;
}
