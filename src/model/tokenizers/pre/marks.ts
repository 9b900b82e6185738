/**
 * Pre-tokenisers that cut at punctuation first: Falcon's, the default one, and BLOOM's.
 *
 * Each stage quotes the regular expression that it stands for; see llama.cpp's src/llama-vocab.cpp.
 */
import { PUNCTUATION, SPACE } from "./code_points.ts";
import { isNumber, run, spaceAndRun, stageOf, within } from "./stage.ts";
import type { Stage } from "./stage.ts";
import { gpt2Words, singleDigits } from "./words.ts";

const isAsciiDigit = within("30-39");
/** Stands for `$+<=>^|~` */
const isAsciiSymbol = within("24 2b 3c-3e 5e 7c 7e");
const BACKTICK = 0x60;
/** Stands for `(|.,!?)` and the commas and full stops of other scripts. */
const isClauseMark = within("21 28-29 2c 2e 3f 7c 60c 6d4 964 2026 3001-3002 ff0c");

/** Stands for `[0-9][0-9][0-9]` */
const threeDigits: Stage = stageOf((span, at) => {
  const end = run(isAsciiDigit, 3)(span, at);
  return end === at + 3 ? end : at;
});

/** Stands for ``[\p{P}\$\+<=>\^~\|`]+`` */
const falconMarks: Stage = stageOf(run((classes, point) => {
  return isMark(classes, point) || point === BACKTICK;
}));

/** falcon. */
export const falcon: readonly Stage[] = [falconMarks, gpt2Words, threeDigits];

/** What a file that names no pre-tokeniser gets. */
export const defaultStages: readonly Stage[] = [
  stageOf(run(isMark)),
  gpt2Words,
  stageOf(run(isNumber)),
  threeDigits,
];

/** Stands for ` ?[^(\s|.,!?)]+`, with the marks of other scripts. */
const clauses: Stage = stageOf(spaceAndRun((classes, point) => {
  return (classes & SPACE) === 0 && !isClauseMark(classes, point);
}));

/** bloom, poro-chat and gpt3-finnish. */
export const bloom: readonly Stage[] = [clauses];

/** viking. */
export const viking: readonly Stage[] = [clauses, singleDigits];

/** Stands for `[\p{P}\$\+<=>\^~\|]` */
function isMark(classes: number, point: number): boolean {
  return (classes & PUNCTUATION) !== 0 || isAsciiSymbol(classes, point);
}
