/**
 * Sets of code points as ranges, and as the sequences of byte ranges that are their UTF-8.
 */
import type { Range } from "./expression.ts";

/** The largest code point. */
export const codePointMax = 0x10ffff;

const surrogates: Range = [0xd800, 0xdfff];

/** Largest code points of one, two, three and four bytes. */
const lastOfLength = [0x7f, 0x7ff, 0xffff, codePointMax];

/** Sorted, merged, without surrogates. */
export function normalised(ranges: readonly Range[]): Range[] {
  const merged: [number, number][] = [];
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return without(merged, surrogates);
}

/** Everything that is in none of the ranges, without surrogates. */
export function complement(ranges: readonly Range[]): Range[] {
  const gaps: Range[] = [];
  let next = 0;
  for (const [from, to] of normalised(ranges)) {
    if (from > next) gaps.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= codePointMax) gaps.push([next, codePointMax]);
  return normalised(gaps);
}

/** Whether a code point is in one of the ranges. */
export function includes(ranges: readonly Range[], codePoint: number): boolean {
  return ranges.some(([from, to]) => codePoint >= from && codePoint <= to);
}

/** The sequences of byte ranges that spell exactly the code points of the ranges. */
export function utf8Sequences(ranges: readonly Range[]): Range[][] {
  return normalised(ranges).flatMap(([from, to]) => sequencesOf(from, to));
}

function sequencesOf(from: number, to: number): Range[][] {
  const sequences: Range[][] = [];
  let start = from;
  lastOfLength.forEach((last, at) => {
    if (start > to || start > last) return;
    const end = Math.min(to, last);
    sequences.push(...equalLength(encode(start, at + 1), encode(end, at + 1)));
    start = end + 1;
  });
  return sequences;
}

/** From one encoding to another of the same length: cut where a leading byte changes. */
function equalLength(low: readonly number[], high: readonly number[]): Range[][] {
  const [first = 0, ...lowRest] = low;
  const [last = 0, ...highRest] = high;
  if (lowRest.length === 0) return [[[first, last]]];
  if (first === last) {
    return equalLength(lowRest, highRest).map((rest) => [[first, first] as const, ...rest]);
  }
  const lowest = lowRest.map(() => 0x80);
  const highest = lowRest.map(() => 0xbf);
  const sequences: Range[][] = [];
  const prefixed = (from: number, to: number, rests: readonly Range[][]): void => {
    for (const rest of rests) sequences.push([[from, to], ...rest]);
  };
  const lowWhole = lowRest.every((byte) => byte === 0x80);
  const highWhole = highRest.every((byte) => byte === 0xbf);
  if (!lowWhole) prefixed(first, first, equalLength(lowRest, highest));
  const from = lowWhole ? first : first + 1;
  const to = highWhole ? last : last - 1;
  if (from <= to) prefixed(from, to, equalLength(lowest, highest));
  if (!highWhole) prefixed(last, last, equalLength(lowest, highRest));
  return sequences;
}

function encode(codePoint: number, length: number): number[] {
  if (length === 1) return [codePoint];
  const bytes: number[] = [];
  let rest = codePoint;
  for (let i = 1; i < length; i++) {
    bytes.unshift(0x80 | (rest & 0x3f));
    rest >>= 6;
  }
  bytes.unshift(((0xf00 >> length) & 0xff) | rest);
  return bytes;
}

function without(ranges: readonly Range[], [from, to]: Range): Range[] {
  return ranges.flatMap(([a, b]): Range[] => {
    const before: Range[] = a < from ? [[a, Math.min(b, from - 1)]] : [];
    const after: Range[] = b > to ? [[Math.max(a, to + 1), b]] : [];
    return [...before, ...after];
  });
}
