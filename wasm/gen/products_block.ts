/**
 * The body of a product kernel: one block of 32 columns, k-steps unrolled.
 *
 * Decode (one position) goes group by group over the same activations; a tile (one group) goes
 * step by step, so that a step's codes are unpacked once for all positions. Either way few sums are
 * alive at a time: V8 has 15 vector registers on x86-64.
 */
import { type Format, largestCode, type Mode, offsetOf } from "./formats/format.ts";
import { CodeReader, mask, rowIntegers, rowTwins } from "./products_codes.ts";
import {
  type BlockContext,
  HALVES,
  range,
  readsWords,
  segments,
  steps,
  type Sum,
} from "./products_context.ts";
import { record, rowScales, share } from "./products_ends.ts";
import { isTwinned, twinLines } from "./products_twins.ts";

/** The lines of a block. */
export function blockLines(context: BlockContext): readonly string[] {
  const { positions, groups } = context.shape;
  const lines = isTwinned(context) ? twinLines(context) : [
    ...range(positions).flatMap((t) => [
      ...(recordsLate(context) ? [] : record(context, t)),
      ...(startsLate(context) ? [] : offsets(context, t)),
    ]),
    ...(isStepwise(context) ? stepwiseLines(context) : [
      ...(isHeld(context) ? steps.map((j) => heldActivations(context, j)) : []),
      ...range(groups).flatMap((g) => group(context, g)),
    ]),
  ];
  return lines.filter((line) => line !== "").map((line) => `    ${line}`);
}

/**
 * Whether decode goes step by step through all groups, which holds one step's activations instead of
 * all: only where a group's sums are two vectors, and a step reads vectors of its own.
 */
function isStepwise(context: BlockContext): boolean {
  const { format, mode, shape } = context;
  const few = mode !== "plain" && (mode !== "pairs" || roomOf(format) >= steps.length);
  return shape.groups > 1 && few && segments(context).length === 1 &&
    format.planes.every(({ bits }) => bits === 4 || bits === 8);
}

function stepwiseLines(context: BlockContext): readonly string[] {
  const groups = range(context.shape.groups);
  const at = { s: 0, segment: steps, pass: HALVES };
  const sums = groups.map((g) => segmentSteps(context, { g, ...at }));
  return [
    ...steps.flatMap((j) => [
      heldActivations(context, j),
      ...sums.flatMap((each) => each[j] ?? []),
    ]),
    ...groups.flatMap((g) => [
      ...segmentEnd(context, { g, ...at }),
      ...endLines(context, g, HALVES),
    ]),
  ];
}

function heldActivations(context: BlockContext, j: number): string {
  return `const x0_${j} = ${activations(context, 0, j)};`;
}

/** Whether a position's record is read where its share is added. */
function recordsLate(context: BlockContext): boolean {
  return context.shape.groups === 1 || isStepwise(context);
}

/** Whether all groups read one position's activations, by step. */
function isHeld({ shape }: BlockContext): boolean {
  return shape.positions === 1 && shape.groups > 1;
}

/**
 * Whether a tile takes out the codes' offset at the end of a block: until then it holds nothing of a
 * position's record.
 */
function startsLate(context: BlockContext): boolean {
  const { mode } = context;
  return recordsLate(context) && segments(context).length === 1 &&
    (mode === "plain" || mode === "pairs");
}

/** What takes out the codes' offset at a position. */
function offsets(context: BlockContext, t: number): readonly string[] {
  const { format: { codes }, mode, masks } = context;
  const offset = offsetOf(codes, mode);
  const count = segments(context).length;
  const twins = weighsPairs(context);
  if (offset === 0) return [];
  if (count === 1 && !twins && (offset === 8 || offset === 128)) {
    return [`const o${t}_0 = v128.load32_splat(m${t}, ${offset === 8 ? 8 : 4});`];
  }
  if (twins && count > 1) return range(count).map((s) => twinStart(context, t, s));
  const sums = `v128.load32_splat(m${t}, 12)`;
  const minus = -offset & 0xffff;
  const both = mask(masks, minus * 0x10001);
  if (twins) return [`const o${t}_0 = i16x8.mul(${sums}, ${both});`];
  if (count === 1) return [`const o${t}_0 = i32x4.dot_i16x8_s(${sums}, ${both});`];
  return [minus, minus * 0x10000].map((pair, s) =>
    `const o${t}_${s} = i32x4.dot_i16x8_s(${sums}, ${mask(masks, pair)});`
  );
}

/**
 * Minus half the offset times the sum of 16 columns, twice in each lane: the products of both with a
 * subscale add up to what is taken out. 16 * 127 * 32 / 2 fits 16 bits.
 */
function twinStart({ format: { codes }, mode, masks }: BlockContext, t: number, s: number): string {
  const minus = (-offsetOf(codes, mode) / 2) & 0xffff;
  const twin = `i16x8.splat(load<i16>(m${t}, ${12 + 2 * s}))`;
  return `const o${t}_${s} = i16x8.mul(${twin}, ${mask(masks, minus * 0x10001)});`;
}

function activations({ mode }: BlockContext, t: number, j: number): string {
  return readsWords(mode)
    ? `v128.load64_splat(x${t}, ${8 * j})`
    : `v128.load32_splat(x${t}, ${4 * j})`;
}

function group(context: BlockContext, g: number): readonly string[] {
  return passes(context).flatMap((pass) => [
    ...passLines(context, g, pass),
    ...endLines(context, g, pass),
  ]);
}

/** Some k-steps of a group: a segment, for some of its halves. */
interface Part {
  readonly g: number;
  readonly s: number;
  readonly segment: readonly number[];
  readonly pass: readonly number[];
}

function passLines(context: BlockContext, g: number, pass: readonly number[]): readonly string[] {
  return segments(context).flatMap((segment, s) => [
    ...segmentSteps(context, { g, s, segment, pass }).flat(),
    ...segmentEnd(context, { g, s, segment, pass }),
  ]);
}

function segmentEnd(context: BlockContext, { g, s, pass }: Part): readonly string[] {
  const { positions } = context.shape;
  return [
    ...(weighsPairs(context) ? [] : pass.map((h) => subscales(context, { g, h, s }))),
    ...(startsLate(context)
      ? []
      : range(positions).flatMap((t) => integers(context, { g, t, s }, pass))),
  ];
}

function endLines(context: BlockContext, g: number, pass: readonly number[]): readonly string[] {
  const { positions } = context.shape;
  return [
    ...pass.flatMap((h) => rowScales(context, g, h)),
    ...range(positions).flatMap((t) => [
      "{",
      ...(recordsLate(context) ? record(context, t) : []),
      ...(startsLate(context) ? offsets(context, t) : []),
      ...(startsLate(context) ? integers(context, { g, t, s: 0 }, pass) : []),
      ...pass.flatMap((h) => share(context, { g, t, h })),
      "}",
    ]),
  ];
}

/** Ends a segment at a position. */
function integers(
  context: BlockContext,
  { g, t, s }: { readonly g: number; readonly t: number; readonly s: number },
  pass: readonly number[],
): readonly string[] {
  return pass.map((h) => integer(context, { g, t, h }, s));
}

/** Halves of a group that are summed at once: words need twice the sums, so a tile takes one. */
function passes({ mode, shape }: BlockContext): readonly (readonly number[])[] {
  return readsWords(mode) && shape.positions > 2 ? [[0], [1]] : [HALVES];
}

/** The lines of each k-step of a part. */
function segmentSteps(context: BlockContext, at: Part): readonly (readonly string[])[] {
  const { format, mode, masks, shape } = context;
  const { g, s, segment, pass } = at;
  const reader = new CodeReader(format, mode, { masks, pointer: `p${g}`, pass });
  return segment.map((j, index) => {
    const stepAt = { j, s, index, count: segment.length };
    const codes = pass.map((h) => operands(context, reader, { g, j, h }));
    const sums = range(shape.positions).map((t) => [
      ...(isHeld(context) ? [] : [
        `const ${xName(context, { g, t, h: pass[0] ?? 0 }, j)} = ${activations(context, t, j)};`,
      ]),
      ...pass.flatMap((h, i) => [
        ...(shape.positions === 1 ? codes[i] ?? [] : []),
        ...step(context, { g, t, h }, stepAt, xName(context, { g, t, h: pass[0] ?? 0 }, j)),
      ]),
    ]);
    const widens = weighsPairs(context) && index === Math.min(roomOf(format), segment.length) - 1;
    return [
      ...(widens ? pass.map((h) => subscales(context, { g, h, s })) : []),
      reader.loads(j),
      ...(shape.positions === 1 ? [] : codes.flat()),
      ...sums.flat(),
    ];
  });
}

/** Name of the activations of a k-step; a pass reads its own. */
function xName(context: BlockContext, { g, t, h }: Sum, j: number): string {
  return isHeld(context) ? `x0_${j}` : `x${t}_${j}_${g}${h}`;
}

/** Where a k-step stands in its segment. */
interface Step {
  readonly j: number;
  readonly s: number;
  readonly index: number;
  readonly count: number;
}

/** Whether sums of pairs are multiplied by their subscales as they are widened. */
function weighsPairs({ format, mode }: BlockContext): boolean {
  return mode === "pairs" && format.subscale !== undefined;
}

/** A line for the subscales of a segment and four rows: lanes of 32 bits, or pairs of 16. */
function subscales(
  context: BlockContext,
  { g, h, s }: { readonly g: number; readonly h: number; readonly s: number },
): string {
  const { subscale } = context.format;
  if (subscale === undefined) return "";
  const at = { pointer: `p${g}`, masks: context.masks, half: h };
  const write = weighsPairs(context) ? rowTwins : rowIntegers;
  return write({ ...subscale, at: subscale.at + 8 * s }, `n${g}${h}_${s}`, at);
}

/** The codes of a step's half: 16 bytes, or two vectors of words. */
function operands(
  context: BlockContext,
  reader: CodeReader,
  { g, j, h }: { readonly g: number; readonly j: number; readonly h: number },
): readonly string[] {
  const name = `w${g}_${j}_${h}`;
  if (!readsWords(context.mode)) return [`const ${name} = ${reader.operand(j, h)};`];
  return [
    `const ${name} = ${reader.operand(j, h)};`,
    `const ${name}_0 = i16x8.extend_low_i8x16_s(${name});`,
    `const ${name}_1 = i16x8.extend_high_i8x16_s(${name});`,
  ];
}

/** The lines that add a k-step to a sum `a`; the first step of a segment begins it. */
function step(context: BlockContext, { g, t, h }: Sum, at: Step, x: string): readonly string[] {
  const { mode } = context;
  const { j, s, index } = at;
  const w = `w${g}_${j}_${h}`;
  const a = `a${g}${t}${h}_${s}`;
  const first = index === 0;
  if (mode === "plain") {
    return [0, 1].map((k) => {
      const product = `i32x4.dot_i16x8_s(${x}, ${w}_${k})`;
      return first
        ? `let ${a}_${k} = ${product};`
        : `${a}_${k} = i32x4.add(${a}_${k}, ${product});`;
    });
  }
  if (mode === "pairs") return pairStep(context, { a, x, w, n: `n${g}${h}_${s}` }, at);
  const from = first ? start(context, t, s) ?? "i32x4.splat(0)" : a;
  return [`${first ? "let " : ""}${a} = ${dot(mode)}(${x}, ${w}, ${from});`];
}

function dot(mode: Mode): string {
  if (mode === "unsignedEmulated") return "dotEmulated<u16>";
  return mode === "signedEmulated" ? "dotEmulated<i16>" : "i32x4.relaxed_dot_i8x16_i7x16_add_s";
}

/** Steps whose sums of pairs stay within 16 bits. */
function roomOf({ codes }: Format): number {
  return Math.min(8, Math.floor(32767 / (2 * 127 * largestCode(codes))));
}

/** Sums of pairs stay within 16 bits for a few steps, and are then widened. */
function pairStep(
  context: BlockContext,
  { a, x, w, n }: { readonly [name in "a" | "x" | "w" | "n"]: string },
  { index, count }: Step,
): readonly string[] {
  const room = roomOf(context.format);
  const pair = `i16x8.relaxed_dot_i8x16_i7x16_s(${x}, ${w})`;
  const q = `${a}_q${Math.floor(index / room)}`;
  const lines = [index % room === 0 ? `let ${q} = ${pair};` : `${q} = i16x8.add(${q}, ${pair});`];
  if (index % room !== room - 1 && index !== count - 1) return lines;
  const by = weighsPairs(context) ? n : mask(context.masks, 0x00010001);
  const wide = `i32x4.dot_i16x8_s(${q}, ${by})`;
  return [...lines, index < room ? `let ${a} = ${wide};` : `${a} = i32x4.add(${a}, ${wide});`];
}

/** Name of what a sum starts with to take out the codes' offset. */
function start(
  { format: { codes }, mode }: BlockContext,
  t: number,
  s: number,
): string | undefined {
  return offsetOf(codes, mode) === 0 ? undefined : `o${t}_${s}`;
}

/** Ends a segment: its integer `i`, with its subscale. */
function integer(context: BlockContext, { g, t, h }: Sum, s: number): string {
  const { mode, format: { subscale } } = context;
  const a = `a${g}${t}${h}_${s}`;
  const name = `i${g}${t}${h}_${s}`;
  const sum = mode === "plain" ? `addPairs(${a}_0, ${a}_1)` : a;
  const offset = start(context, t, s);
  const n = `n${g}${h}_${s}`;
  if (weighsPairs(context)) {
    const taken = offset === undefined ? a : `i32x4.add(${a}, i32x4.dot_i16x8_s(${n}, ${offset}))`;
    return `const ${name} = ${taken};`;
  }
  const started = offset === undefined || (mode !== "plain" && mode !== "pairs");
  const whole = started ? sum : `i32x4.add(${sum}, ${offset})`;
  return `const ${name} = ${subscale === undefined ? whole : `i32x4.mul(${whole}, ${n})`};`;
}
