/**
 * The end of a block in a product kernel: what its integers are multiplied by, and the totals.
 */
import { halves, mask, rowPairs } from "./products_codes.ts";
import { type BlockContext, HALVES, range, segments, type Sum } from "./products_context.ts";

/** The lines before a unit's blocks: what they share. */
export function unitLines({ format, masks, shape }: BlockContext): readonly string[] {
  const { scale, minimum, headerBytes } = format;
  if (headerBytes === 0) return [];
  return range(shape.groups).flatMap((g) =>
    HALVES.flatMap((h) => {
      const header = { pointer: `p${g}`, masks };
      const lines = [`const c${g}${h} = ${halves(scale, h, header)};`];
      return minimum === undefined
        ? lines
        : [...lines, `const u${g}${h} = ${halves(minimum.factor, h, header)};`];
    })
  ).map((line) => `    ${line}`);
}

/** What a position's record gives to the shares: d, and sums. */
export function record({ format: { minimum }, masks }: BlockContext, t: number): readonly string[] {
  const lines = [`const d${t} = v128.load32_splat(m${t});`];
  if (minimum === undefined) return lines;
  lines.push(`const s${t} = v128.load32_splat(m${t}, 12);`);
  return minimum.multiplier !== undefined ? lines : [
    ...lines,
    `const e${t} = i32x4.dot_i16x8_s(s${t}, ${mask(masks, 0x00010001)});`,
  ];
}

/** What the shares of 4 rows read: scales and minima. */
export function rowScales(context: BlockContext, g: number, h: number): readonly string[] {
  const { format: { scale, minimum, headerBytes }, masks } = context;
  const block = { pointer: `p${g}`, masks };
  const name = `${g}${h}`;
  const lines: string[] = [];
  if (headerBytes === 0) lines.push(`const c${name} = ${halves(scale, h, block)};`);
  if (minimum !== undefined && headerBytes === 0) {
    lines.push(`const u${name} = ${halves(minimum.factor, h, block)};`);
  }
  const multiplier = minimum?.multiplier;
  if (multiplier === undefined) return lines;
  return [...lines, rowPairs(multiplier, `l${name}`, { ...block, half: h })];
}

/** Adds the block's share to the totals of 4 rows at a position. */
export function share(context: BlockContext, { g, t, h }: Sum): readonly string[] {
  const { minimum } = context.format;
  const name = `${g}${h}`;
  const total = `f${g}${t}${h}`;
  const scales = `f32x4.mul(c${name}, d${t})`;
  const value = `f32x4.convert_i32x4_s(${blockInteger(context, { g, t, h })})`;
  const line = `${total} = f32x4.add(${total}, f32x4.mul(${value}, ${scales}));`;
  if (minimum === undefined) return [line];
  const weighed = minimum.multiplier === undefined ? `e${t}` : `i32x4.dot_i16x8_s(l${name}, s${t})`;
  const term = `f32x4.mul(f32x4.convert_i32x4_s(${weighed}), f32x4.mul(u${name}, d${t}))`;
  return [line, `${total} = f32x4.add(${total}, ${term});`];
}

/** The block's integer I: its segments', each with its subscale. */
function blockInteger(context: BlockContext, { g, t, h }: Sum): string {
  return segments(context).map((_, s) => `i${g}${t}${h}_${s}`)
    .reduce((a, b) => `i32x4.add(${a}, ${b})`);
}
