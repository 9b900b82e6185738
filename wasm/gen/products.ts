/**
 * Writes the kernels of matrix by activations, and `multiply`, from one descriptor per format.
 *
 * How to add a format: write `formats/<name>.ts` (a `Format`, see formats/format.ts), list it in
 * `formats/all.ts` and run `deno task build:wasm`. How it is packed is wasm/executor/repack.ts's.
 *
 * A matrix is packed in groups of 8 rows. A group is `columns / (32 * unitBlocks)` units one after
 * the other; a unit is `headerBytes` and then `unitBlocks` blocks of `blockBytes`, each for 32
 * columns of the 8 rows. Choose offsets so that planes and halves start at multiples of 16.
 *
 *     place            in a block (in the header, for a unit of several blocks)
 *     RowHalves        16 bytes: 8 values of 16 bits, row 0 first
 *     RowBytes         8 bytes, row 0 first; per 16 columns 16 bytes: columns 0-15, then 16-31
 *     Plane            32 * bits bytes: some bits of all 256 codes
 *
 * A plane: the codes of k-step j (columns 4j to 4j + 3, j = 0..7) and half h (rows 4h to 4h + 3)
 * are 16 bytes, byte 4 * (row mod 4) + (column mod 4). They are field i = 2j + h: with n = 8 / bits
 * fields to a vector of 16 bytes, vector floor(i / n), shifted left by bits * (i mod n). A code is
 * the sum of its planes' fields, each shifted left by the plane's `shift`: a 3-bit code is a plane
 * of 2 bits with shift 0 and one of 1 bit with shift 2. Planes of 5 and 6 bits (shift 0) fill what a
 * field leaves of its byte with the bits of others, since a mask is cheaper than two planes:
 *
 *     6   of each 4 fields: 0, 1, 2 are bits 0-5 of three vectors; 3 is their bits 6-7, lowest first
 *     5   of each 8 fields: 0, 1, 3, 4, 6 are bits 0-4 of vectors 0 to 4; 2 is bits 5-7 of vector 0,
 *         then 5-6 of 1; 5 is bits 5-7 of 2, then 5-6 of 3; 7 is bits 5-7 of 4, then 7 of 1, 7 of 3
 *
 * The arithmetic of one block of 32 columns, given its activations' integers q and d (section 3.2):
 *
 *     w    = code - offset, or the table's value, or the byte
 *     I    = sum(w * q)                                 without a subscale
 *     I    = c * sum(w * q)                             a subscale c per 32 columns
 *     I    = c0 * sum(w * q, columns 0-15) + c1 * sum(w * q, columns 16-31)
 *     total = total + f32(I) * (scale * d)
 *     M    = sum(q),  m * sum(q)  or  m0 * sum(q, columns 0-15) + m1 * sum(q, columns 16-31)
 *     total = total + f32(M) * (factor * d)             only with a minimum
 *
 * Integers are exact and fit 32 bits; every f32 operation is rounded on its own, in this order.
 *
 * Shapes: decode is one position by four groups (four streams from memory) and by one; more
 * positions are one group by four, three or two, so that weights leave memory once. Bytes in plain
 * SIMD are two groups by two positions. An activation vector is quantised as
 * wasm/executor/quantise.ts says.
 */
import { formats } from "./formats/all.ts";
import { kindModes, modesOf } from "./formats/format.ts";
import { globals, type Masks } from "./products_codes.ts";
import { choice, drivers } from "./products_drivers.ts";
import { plainChoices, plainDrivers } from "./products_plain.ts";

/** The text of `wasm/executor/products.gen.ts`, which is not kept: wasm/build.ts writes it as it builds. */
export function productsSource(): string {
  const masks: Masks = new Map();
  const kernels = formats.flatMap((format) =>
    modesOf(format).map((mode) => drivers(format, mode, masks))
  );
  const plain = plainDrivers(masks);
  return [header(), globals(formats, masks), plain, ...kernels, dispatch()].join("\n");
}

function header(): string {
  return `/**
 * Matrix by activations. Written by wasm/gen/products.ts, which explains it: do not edit.
 */
import { addPairs, dotEmulated, probe } from "./probe";
import { put } from "./put";

/** Whether products of small codes use the relaxed dot of pairs: 1, 0, or not asked yet. */
let pairs: i32 = -1;

/** For tests: chooses pairs (1) or the dot of four (0), or lets the probe choose (-1). */
export function choosePairs(value: i32): void {
  pairs = value;
}

/** Where the dot of four is made of pairs (the start-up probe calls it neither), pairs are faster. */
function usesPairs(): bool {
  if (pairs < 0) pairs = i32(probe(127, 255) == 65534);
  return pairs == 1;
}

// @ts-ignore: decorator

@inline
function lookUp(table: v128, codes: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, codes); // codes are 0 to 15
  return i8x16.swizzle(table, codes);
}
`;
}

const PARAMETERS = `
  y: usize, yStride: usize, w: usize, columns: i32, from: i32, to: i32, positions: i32, add: bool,`;

function dispatch(): string {
  return `/**
 * Writes (or, with \`add\`, adds) the product of \`positions\` activations to \`y\`, groups \`from\` to
 * \`to\` of 8 rows; \`y\` has \`yStride\` bytes per position.
 *
 * Every kernel sums a row in its own lane in the order of section 3, so a position's result does not
 * depend on how many positions or groups are computed together.
 *
 * @param x f32 activations for plain kinds, \`xStride\` bytes apart
 * @param bytes, words, meta what \`quantise\` wrote, \`columns\`, 2 * \`columns\` and \`columns\` / 2 apart
 */
export function multiply(
  kind: i32,${PARAMETERS}
  x: usize, xStride: usize, bytes: usize, words: usize, meta: usize,
): void {
  switch (kind) {
${plainChoices()}
${
    formats.flatMap((format) =>
      kindModes(format).map((mode, i) => choice(format, mode, format.kinds[i]))
    ).join("\n")
  }
    default:
      unreachable();
  }
}
`;
}
