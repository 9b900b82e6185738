/**
 * A text as code points with their classes.
 *
 * The classes are those of Unicode 15.1, which llama.cpp has too, and not those of the JavaScript
 * engine: Deno and Node have different versions, and a text must not be cut differently on the two.
 */
import { UNICODE_RUNS } from "./unicode_runs.gen.ts";

/** General category N. */
export const NUMBER = 1;
/** General category L. */
export const LETTER = 2;
/** General category M. */
export const MARK = 4;
/** General category P. */
export const PUNCTUATION = 8;
/** General category S. */
export const SYMBOL = 16;
/** General categories Cc, Cf, Co and Cs. */
export const CONTROL = 32;
/** General category Z. */
export const SEPARATOR = 64;
/** Property White_Space, beside a category. */
export const SPACE = 128;

/** Code points and, for each, its classes as a sum of the constants above; 0 is unassigned. */
export interface CodePoints {
  readonly points: Uint32Array;
  readonly classes: Uint8Array;
}

const POINTS = 0x110000;
const BIT_OF_LETTER: Readonly<Record<string, number>> = {
  N: NUMBER,
  L: LETTER,
  M: MARK,
  P: PUNCTUATION,
  S: SYMBOL,
  C: CONTROL,
  Z: SEPARATOR,
  X: 0,
};
/** First and last of each range of White_Space (PropList.txt). */
const SPACES: readonly (readonly [first: number, last: number])[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0x85, 0x85],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
];

let table: Uint8Array | undefined;

/** The classes of every code point; 1.1 MB, made at first use. */
export function classTable(): Uint8Array {
  table ??= makeTable();
  return table;
}

/**
 * Splits a text into code points.
 *
 * @param text well formed
 */
export function codePointsOf(text: string): CodePoints {
  const all = classTable();
  const points = new Uint32Array(text.length);
  const classes = new Uint8Array(text.length);
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i);
    if (point >= 0xd800 && point <= 0xdbff) {
      point = (point - 0xd800) * 0x400 + text.charCodeAt(++i) - 0xdc00 + 0x10000;
    }
    points[count] = point;
    classes[count] = all[point] ?? 0;
    count++;
  }
  return { points: points.subarray(0, count), classes: classes.subarray(0, count) };
}

function makeTable(): Uint8Array {
  const classes = new Uint8Array(POINTS);
  let from = 0;
  for (const [, letter = "X", length] of UNICODE_RUNS.matchAll(/([A-Z])([0-9a-z]*)/g)) {
    const to = from + (length === "" || length === undefined ? 1 : Number.parseInt(length, 36));
    classes.fill(BIT_OF_LETTER[letter] ?? 0, from, to);
    from = to;
  }
  for (const [first, last] of SPACES) {
    for (let point = first; point <= last; point++) classes[point] = (classes[point] ?? 0) | SPACE;
  }
  return classes;
}
