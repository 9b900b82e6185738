/**
 * What a descriptor of a packed format says. How to write one: see wasm/gen/products.ts.
 */

/** A value of each of the 8 rows of a group, 16 bits each, 16 bytes at `at`. */
export interface RowHalves {
  readonly type: "f16" | "bf16";
  /** From the start of the unit when there is a header, else from the start of the block. */
  readonly at: number;
}

/** Small integers of each of the 8 rows: 8 bytes, then 8 more when they are per 16 columns. */
export interface RowBytes {
  /** From the start of the block. */
  readonly at: number;
  readonly signed: boolean;
  /** Columns that one of them is for; with 16, the first 8 bytes are of columns 0-15. */
  readonly columns: 16 | 32;
  /** Which 4 bits hold it; without it all 8 do. */
  readonly nibble?: "low" | "high";
}

/** Some bits of each weight's code: field i of vector v is for k-step and half (see products.ts). */
export interface Plane {
  readonly bits: 1 | 2 | 4 | 5 | 6 | 8;
  /** From the start of the block; the plane has 32 * bits bytes. */
  readonly at: number;
  /** Where these bits lie in the code. */
  readonly shift: number;
}

/**
 * How a code becomes the weight's integer.
 *
 * - `small`: code - offset, codes 0 to `max`, at most 127: exact on every engine's relaxed dot.
 * - `bytes`: one plane of 8 bits, a signed byte (stored as w + 128 for the mode "unsigned"). For the
 *   mode "plain" vector v is columns 2v and 2v + 1: word i has row r's w + 128 as its low byte and row
 *   r + 4's w as its high one, r = floor(i / 2), column 2v + i mod 2.
 * - `table`: a code of 4 bits chooses one of 16 integers, -128 to 127.
 */
export type Codes =
  | { readonly as: "small"; readonly max: number; readonly offset: number }
  | { readonly as: "bytes" }
  | { readonly as: "table"; readonly values: readonly number[] };

/** A term of each block that the activations' sums enter: see products.ts. */
export interface Minimum {
  readonly factor: RowHalves;
  readonly multiplier?: RowBytes;
}

/** A packed format. */
export interface Format {
  /** GGUF's name of the type. */
  readonly name: string;
  /** The format's numbers in src/engine/_kinds.ts, in the order of `kindModes`. */
  readonly kinds: readonly number[];
  /** Blocks of 32 columns in a unit: 1, or 8 for a super-block of 256 columns. */
  readonly unitBlocks: number;
  /** Bytes before a unit's first block; 0 when a unit is a block. */
  readonly headerBytes: number;
  /** Bytes of a block of 32 columns of 8 rows. */
  readonly blockBytes: number;
  readonly codes: Codes;
  readonly planes: readonly Plane[];
  readonly scale: RowHalves;
  readonly subscale?: RowBytes;
  readonly minimum?: Minimum;
  /** Whether files have little of it, so that fewer kernels do. @default false */
  readonly rare?: boolean;
}

/**
 * Which instruction computes a block's integers.
 *
 * - `plain`: words of 16 bits in plain SIMD.
 * - `relaxed`: the relaxed dot of four; `pairs`: that of two, summed in 16 bits, which is faster
 *   where the engine has no instruction for four. Small codes only, and exact on every engine.
 * - `unsigned`, `signed`: the relaxed dot of four, as the engine reads bytes above 127; bytes are
 *   stored as w + 128 for the first. The emulated ones are the same in plain SIMD, for tests.
 */
export type Mode =
  | "plain"
  | "relaxed"
  | "pairs"
  | "unsigned"
  | "signed"
  | "unsignedEmulated"
  | "signedEmulated";

/** The modes of a format's kinds, in their order; `relaxed` also chooses `pairs` as it runs. */
export function kindModes({ codes }: Format): readonly Mode[] {
  return isSmall(codes)
    ? ["plain", "relaxed"]
    : ["plain", "unsigned", "signed", "unsignedEmulated", "signedEmulated"];
}

/** All modes that a format has kernels for. */
export function modesOf(format: Format): readonly Mode[] {
  return isSmall(format.codes) ? [...kindModes(format), "pairs"] : kindModes(format);
}

/** Whether codes fit 7 bits, so that the relaxed dot is exact on every engine. */
export function isSmall(codes: Codes): boolean {
  return codes.as !== "bytes" && largestCode(codes) <= 127;
}

/** What is subtracted from a code (or from a table's shifted value) to get the integer. */
export function offsetOf(codes: Codes, mode: Mode): number {
  if (codes.as === "small") return codes.offset;
  if (codes.as === "table" && isSmall(codes)) return -Math.min(...codes.values);
  return mode === "unsigned" || mode === "unsignedEmulated" ? 128 : 0;
}

/** The largest operand that a small code becomes; above 127 for others. */
export function largestCode(codes: Codes): number {
  if (codes.as === "small") return codes.max;
  if (codes.as === "bytes") return 255;
  return Math.max(...codes.values) - Math.min(...codes.values);
}

/** Bytes of a unit of 8 rows. */
export function unitBytes({ headerBytes, unitBlocks, blockBytes }: Format): number {
  return headerBytes + unitBlocks * blockBytes;
}
