/**
 * Blocks of signed bytes in plain SIMD: a word of 16 bits is two rows' bytes.
 *
 * The low byte of a word is row r's w + 128, the high one row r + 4's w, so a word is
 * (w[r] + 128) + 256 * w[r + 4]. The sums of words, and of the words' high bytes, each times the
 * activations, give both rows' integers; that takes an instruction less than widening every byte.
 * A vector is two columns of all 8 rows, so lanes of sums are rows. All sums fit 32 bits.
 */
import type { BlockContext } from "./products_context.ts";
import { HALVES, range } from "./products_context.ts";
import { record, rowScales, share } from "./products_ends.ts";

/** Whether a block is read so. */
export function isTwinned({ format, mode }: Pick<BlockContext, "format" | "mode">): boolean {
  return format.codes.as === "bytes" && mode === "plain";
}

/** The lines of such a block: two columns at a time for all groups and positions. */
export function twinLines(context: BlockContext): readonly string[] {
  const groups = range(context.shape.groups);
  const positions = range(context.shape.positions);
  return [
    ...range(16).flatMap((j) => columnPair(context, j)),
    ...groups.flatMap((g) => [
      ...HALVES.flatMap((h) => rowScales(context, g, h)),
      ...positions.flatMap((t) => [
        "{",
        ...record(context, t),
        `const i${g}${t}1_0 = b${g}${t};`,
        `const i${g}${t}0_0 = i32x4.add(i32x4.sub(a${g}${t}, i32x4.shl(b${g}${t}, 8)), ` +
        `v128.load32_splat(m${t}, 4));`,
        ...HALVES.flatMap((h) => share(context, { g, t, h })),
        "}",
      ]),
    ]),
  ];
}

/** Columns 2j and 2j + 1: adds to the sums a of words, and b of high bytes. */
function columnPair({ format, shape }: BlockContext, j: number): readonly string[] {
  const at = (format.planes[0]?.at ?? 0) + 16 * j;
  const activations = range(shape.positions).map((t) =>
    `const x${t}_${j} = v128.load32_splat(x${t}, ${4 * j});`
  );
  function add(sum: string, x: string, w: string): string {
    const product = `i32x4.dot_i16x8_s(${x}, ${w})`;
    return j === 0 ? `let ${sum} = ${product};` : `${sum} = i32x4.add(${sum}, ${product});`;
  }
  const sums = range(shape.groups).flatMap((g) => [
    `const w${g}_${j} = v128.load(p${g}, ${at});`,
    `const u${g}_${j} = i16x8.shr_s(w${g}_${j}, 8);`,
    ...range(shape.positions).flatMap((t) => [
      ...(shape.groups === 1 ? [activations[t] ?? ""] : []),
      add(`a${g}${t}`, `x${t}_${j}`, `w${g}_${j}`),
      add(`b${g}${t}`, `x${t}_${j}`, `u${g}_${j}`),
    ]),
  ]);
  return shape.groups === 1 ? sums : [...activations, ...sums];
}
