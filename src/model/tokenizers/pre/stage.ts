/**
 * Stages of pre-tokenisation: what cuts a text, or the pieces of an earlier stage, into pieces.
 *
 * The regular expressions of GGUF's pre-tokenisers are written here as matchers by hand, since texts
 * are hostile: each works in time linear in what it consumes, where a backtracking engine may not.
 */
import { LETTER, NUMBER, SPACE } from "./code_points.ts";
import type { CodePoints } from "./code_points.ts";

/** Part of a text: code points from `from` to `to`, exclusive. */
export interface Span extends CodePoints {
  readonly from: number;
  readonly to: number;
}

/** Cuts a span: calls `cut` with the end of each piece, in order, `to` last; none for an empty one. */
export type Stage = (span: Span, cut: (end: number) => void) => void;

/** Matches at a position inside a span; returns the match's end, or the position when there is none. */
export type Matcher = (span: Span, at: number) => number;

/** Whether a code point with these classes belongs to a run. */
export type PointTest = (classes: number, point: number) => boolean;

/**
 * A stage that takes the first matcher that matches at each position, as a regular expression of
 * alternatives does; what lies between matches becomes pieces too.
 */
export function stageOf(...matchers: readonly Matcher[]): Stage {
  return (span, cut) => {
    let start = span.from;
    for (let at = span.from; at < span.to;) {
      const end = firstMatch(matchers, { span, at });
      if (end === at) {
        at++;
        continue;
      }
      if (start < at) cut(at);
      cut(end);
      at = end;
      start = end;
    }
    if (start < span.to) cut(span.to);
  };
}

function firstMatch(matchers: readonly Matcher[], place: { span: Span; at: number }): number {
  const { span, at } = place;
  for (const match of matchers) {
    const end = match(span, at);
    if (end > at) return end;
  }
  return at;
}

/** The end of the run of code points from `at` on that pass the test, at most `limit` of them. */
export function runEnd(
  span: Span,
  options: { at: number; test: PointTest; limit?: number },
): number {
  const { at, test, limit = Infinity } = options;
  const to = Math.min(span.to, at + limit);
  let end = at;
  while (end < to && test(span.classes[end] ?? 0, span.points[end] ?? 0)) end++;
  return end;
}

/** Stands for `[...]{1,limit}` */
export function run(test: PointTest, limit: number = Infinity): Matcher {
  return (span, at) => runEnd(span, { at, test, limit });
}

/** Stands for ` ?[...]+[tail]*`; the space is not of the run. */
export function spaceAndRun(test: PointTest, tail?: PointTest): Matcher {
  return (span, at) => {
    const from = span.points[at] === 0x20 ? at + 1 : at;
    const end = runEnd(span, { at: from, test });
    if (end === from) return at;
    return tail === undefined ? end : runEnd(span, { at: end, test: tail });
  };
}

/** Stands for `[prefix]?[...]+` */
export function prefixAndRun(prefix: PointTest, test: PointTest): Matcher {
  return (span, at) => {
    if (at < span.to && prefix(span.classes[at] ?? 0, span.points[at] ?? 0)) {
      const end = runEnd(span, { at: at + 1, test });
      if (end > at + 1) return end;
    }
    return runEnd(span, { at, test });
  };
}

/** Stands for `\s*[\r\n]+`: white space up to and with its last line break. */
export function lineBreaks(span: Span, at: number): number {
  let end = at;
  for (let i = at; i < span.to && isSpace(span.classes[i] ?? 0); i++) {
    if (isLineBreak(0, span.points[i] ?? 0)) end = i + 1;
  }
  return end;
}

/** Stands for `\s+(?!\S)`: white space but for the last code point, which belongs to what follows. */
export function spacesBeforeLast(span: Span, at: number): number {
  const end = runEnd(span, { at, test: isSpace });
  return end === span.to || end === at ? end : end - 1;
}

/** Stands for `\s+` */
export const spaces: Matcher = run(isSpace);

/** Stands for `\s*[\r\n]+|\s+(?!\S)|\s+` */
export const whiteSpace: readonly Matcher[] = [lineBreaks, spacesBeforeLast, spaces];

/** Stands for `\s` */
export function isSpace(classes: number): boolean {
  return (classes & SPACE) !== 0;
}

/** Stands for `\p{L}` */
export function isLetter(classes: number): boolean {
  return (classes & LETTER) !== 0;
}

/** Stands for `\p{N}` */
export function isNumber(classes: number): boolean {
  return (classes & NUMBER) !== 0;
}

/** Stands for `[\r\n]` */
export function isLineBreak(_classes: number, point: number): boolean {
  return point === 0x0a || point === 0x0d;
}

/** Stands for `[^\s\p{L}\p{N}]` */
export function isOther(classes: number): boolean {
  return (classes & (SPACE | LETTER | NUMBER)) === 0;
}

/** Stands for `[^\r\n\p{L}\p{N}]` */
export function isWordPrefix(classes: number, point: number): boolean {
  return (classes & (LETTER | NUMBER)) === 0 && !isLineBreak(classes, point);
}

/** A test of the code points within ranges, "41-5a b5": hexadecimal, ascending, apart. */
export function within(ranges: string): PointTest {
  const bounds = ranges.split(" ").map((range) => {
    return range.split("-").map((point) => Number.parseInt(point, 16));
  });
  const firsts = Uint32Array.from(bounds, ([first = 0]) => first);
  const lasts = Uint32Array.from(bounds, (range) => range.at(-1) ?? 0);
  return (_classes, point) => {
    let low = 0;
    let high = lasts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((lasts[middle] ?? 0) < point) low = middle + 1;
      else high = middle;
    }
    return low < lasts.length && (firsts[low] ?? 0) <= point;
  };
}
