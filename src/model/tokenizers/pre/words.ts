/**
 * Pre-tokenisers that cut a text into words, numbers, punctuation and white space: GPT-2's, and its
 * descendants with other rules for digits, line breaks and combining marks.
 *
 * Each quotes the regular expression that it stands for; see llama.cpp's src/llama-vocab.cpp.
 */
import { LETTER, MARK, NUMBER, PUNCTUATION, SPACE, SYMBOL } from "./code_points.ts";
import {
  isLetter,
  isLineBreak,
  isNumber,
  isOther,
  isWordPrefix,
  prefixAndRun,
  run,
  spaceAndRun,
  spaces,
  spacesBeforeLast,
  stageOf,
  whiteSpace,
} from "./stage.ts";
import type { Span, Stage } from "./stage.ts";

const APOSTROPHE = 0x27;

/** Stands for `'s|'t|'re|'ve|'m|'ll|'d` */
function contraction(span: Span, at: number): number {
  return contractionEnd(span, { at, fold: 0 });
}

/** Stands for `'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]` */
export function anyContraction(span: Span, at: number): number {
  return contractionEnd(span, { at, fold: 0x20 });
}

/** @param options `fold` is the bit to set in ASCII letters before they are compared */
function contractionEnd(span: Span, options: { at: number; fold: number }): number {
  const { at, fold } = options;
  if (span.points[at] !== APOSTROPHE || at + 1 >= span.to) return at;
  const one = String.fromCodePoint((span.points[at + 1] ?? 0) | fold);
  if ("stmd".includes(one)) return at + 2;
  if (at + 2 >= span.to) return at;
  const two = one + String.fromCodePoint((span.points[at + 2] ?? 0) | fold);
  return two === "re" || two === "ve" || two === "ll" ? at + 3 : at;
}

/** Stands for `'s|...| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+` */
export const gpt2Words: Stage = stageOf(
  contraction,
  spaceAndRun(isLetter),
  spaceAndRun(isNumber),
  spaceAndRun(isOther),
  spacesBeforeLast,
  spaces,
);

/** Stands for `\p{N}`: each digit alone. */
export const singleDigits: Stage = stageOf(run(isNumber, 1));

/**
 * Stands for `(?i:'s|...)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
 */
export const llama3Words: Stage = modernWords({ digitsMax: 3 });

/** As Llama 3's, with each digit alone. */
export const qwen2Words: Stage = modernWords({ digitsMax: 1 });

/** As Qwen 2's, with combining marks in words: `[\p{L}\p{M}]+`, `[^\s\p{L}\p{M}\p{N}]+`. */
export const qwen35Words: Stage = modernWords({ digitsMax: 1, marks: true });

/** As Qwen 2's, with line breaks apart from punctuation. */
export const seedCoderWords: Stage = modernWords({ digitsMax: 1, breaksApart: true });

function modernWords(
  options: { digitsMax: number; marks?: boolean; breaksApart?: boolean },
): Stage {
  const { digitsMax, marks = false, breaksApart = false } = options;
  return stageOf(
    anyContraction,
    prefixAndRun(isWordPrefix, marks ? isLetterOrMark : isLetter),
    run(isNumber, digitsMax),
    spaceAndRun(marks ? isOtherThanMark : isOther, breaksApart ? undefined : isLineBreak),
    ...whiteSpace,
  );
}

/** Stands for `[\p{L}\p{M}]` */
export function isLetterOrMark(classes: number): boolean {
  return (classes & (LETTER | MARK)) !== 0;
}

function isOtherThanMark(classes: number): boolean {
  return (classes & (SPACE | LETTER | NUMBER | MARK)) === 0;
}

/** Stands for `[\p{P}\p{S}]` */
export function isPunctuationOrSymbol(classes: number): boolean {
  return (classes & (PUNCTUATION | SYMBOL)) !== 0;
}
