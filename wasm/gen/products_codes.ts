/**
 * Expressions of the product kernels for codes of weights, scales and integers of rows.
 *
 * Masks and tables are read from globals once per call: V8 rebuilds a constant vector at each use
 * inside a loop, and keeps one that it can't know in a register.
 */
import {
  type Format,
  isSmall,
  type Mode,
  offsetOf,
  type Plane,
  type RowBytes,
  type RowHalves,
} from "./formats/format.ts";

/** Names of masks (and of a table) that a kernel reads, with the value of each 32-bit lane. */
export type Masks = Map<string, string>;

/** Emits the codes of one block of one group, loading each vector of a plane once. */
export class CodeReader {
  readonly #format: Format;
  readonly #mode: Mode;
  readonly #masks: Masks;
  readonly #pointer: string;
  readonly #pass: readonly number[];
  readonly #loaded = new Set<string>();

  constructor(format: Format, mode: Mode, at: {
    readonly masks: Masks;
    readonly pointer: string;
    /** The halves whose codes are read; each reader's names are its own. */
    readonly pass: readonly number[];
  }) {
    this.#format = format;
    this.#mode = mode;
    this.#masks = at.masks;
    this.#pointer = at.pointer;
    this.#pass = at.pass;
  }

  /** Lines that load what step `j` needs for the first time. */
  loads(j: number): string {
    return this.#format.planes.flatMap((plane, index) =>
      this.#pass.flatMap((half) => places(plane, j, half)).map(({ vector }) => ({
        name: this.#name(index, vector),
        offset: plane.at + 16 * vector,
      }))
    ).filter(({ name }) => !this.#loaded.has(name) && this.#loaded.add(name) !== undefined)
      .map(({ name, offset }) => `const ${name} = v128.load(${this.#pointer}, ${offset});`)
      .join(" ");
  }

  /** The 16 operand bytes of step `j` and half `half` (for words: before they are widened). */
  operand(j: number, half: number): string {
    const parts = this.#format.planes.flatMap((plane, index) =>
      places(plane, j, half).map((place) => this.#part(place, this.#name(index, place.vector)))
    );
    const codes = parts.reduce((a, b) => `v128.or(${a}, ${b})`);
    if (this.#format.codes.as !== "table") return codes;
    const table = tableName(this.#format, this.#mode);
    this.#masks.set(table, `${table}Bytes`);
    return `lookUp(${table}, ${codes})`;
  }

  #part({ from, bits, shift }: Place, vector: string): string {
    if (bits === 8) return vector;
    const left = shift - from;
    const shifted = left === 0
      ? vector
      : left > 0
      ? `i16x8.shl(${vector}, ${left})`
      : `i16x8.shr_u(${vector}, ${-left})`;
    return `v128.and(${shifted}, ${mask(this.#masks, byteMask(bits, shift))})`;
  }

  #name(plane: number, vector: number): string {
    return `r${this.#pointer}_${plane}_${vector}_${this.#pass.join("")}`;
  }
}

function byteMask(bits: number, shift: number): number {
  return ((((1 << bits) - 1) << shift) & 0xff) * 0x01010101;
}

/** Some bits of a field: where they begin in a vector's bytes, how many they are, and in the code. */
interface Place {
  readonly vector: number;
  readonly from: number;
  readonly bits: number;
  readonly shift: number;
}

/** Where eight fields of 5 bits lie in five vectors: see products.ts. */
const fives: readonly (readonly Place[])[] = [
  [{ vector: 0, from: 0, bits: 5, shift: 0 }],
  [{ vector: 1, from: 0, bits: 5, shift: 0 }],
  [{ vector: 0, from: 5, bits: 3, shift: 0 }, { vector: 1, from: 5, bits: 2, shift: 3 }],
  [{ vector: 2, from: 0, bits: 5, shift: 0 }],
  [{ vector: 3, from: 0, bits: 5, shift: 0 }],
  [{ vector: 2, from: 5, bits: 3, shift: 0 }, { vector: 3, from: 5, bits: 2, shift: 3 }],
  [{ vector: 4, from: 0, bits: 5, shift: 0 }],
  [
    { vector: 4, from: 5, bits: 3, shift: 0 },
    { vector: 1, from: 7, bits: 1, shift: 3 },
    { vector: 3, from: 7, bits: 1, shift: 4 },
  ],
];

/** Where field 2j + half of a plane lies. */
function places({ bits, shift }: Plane, j: number, half: number): readonly Place[] {
  const index = 2 * j + half;
  if (bits === 6) {
    const first = 3 * Math.floor(index / 4);
    if (index % 4 < 3) return [{ vector: first + index % 4, from: 0, bits, shift }];
    return [0, 1, 2].map((k) => ({ vector: first + k, from: 6, bits: 2, shift: 2 * k }));
  }
  if (bits === 5) {
    const first = 5 * Math.floor(index / 8);
    return (fives[index % 8] ?? []).map((place) => ({ ...place, vector: first + place.vector }));
  }
  const perVector = 8 / bits;
  const vector = Math.floor(index / perVector);
  return [{ vector, from: bits * (index % perVector), bits, shift }];
}

/** A vector with `value` in each 32-bit lane, of which the compiler does not know that. */
export function mask(masks: Masks, value: number): string {
  const name = `k${(value >>> 0).toString(16).padStart(8, "0")}`;
  masks.set(name, `i32x4.splat(mask${name.slice(1)})`);
  return name;
}

/** f32 values of rows 4 * half to 4 * half + 3. */
export function halves({ type, at }: RowHalves, half: number, options: {
  readonly pointer: string;
  readonly masks: Masks;
}): string {
  const offset = at + 8 * half;
  const { pointer, masks } = options;
  if (type === "bf16") return `i32x4.shl(v128.load16x4_u(${pointer}, ${offset}), 16)`;
  const bits = `i32x4.shl(v128.load16x4_s(${pointer}, ${offset}), 13)`;
  return `f32x4.mul(v128.and(${bits}, ${mask(masks, 0x8fffffff)}), ${mask(masks, 0x77800000)})`;
}

/** Where a block's integers of 4 rows lie. */
interface RowsAt {
  readonly pointer: string;
  readonly masks: Masks;
  readonly half: number;
}

/** A line for the integers of 4 rows, 8 bytes of which are at `bytes.at`, as lanes of 32 bits. */
export function rowIntegers(bytes: RowBytes, name: string, at: RowsAt): string {
  const half = `${at.half === 0 ? "low" : "high"}_i16x8_${bytes.signed ? "s" : "u"}`;
  return `const ${name} = i32x4.extend_${half}(${rowWords(bytes, at)});`;
}

/** A line for the same, each twice as 16 bits. */
export function rowTwins(bytes: RowBytes, name: string, at: RowsAt): string {
  return `const ${name}w = ${rowWords(bytes, at)}; ` +
    `const ${name} = v128.shuffle<i16>(${name}w, ${name}w, ${twins(at.half, 0)});`;
}

/** A line for i16 pairs of 4 rows: what multiplies the sums of columns 0-15 and of columns 16-31. */
export function rowPairs(bytes: RowBytes, name: string, at: RowsAt): string {
  if (bytes.columns === 32) return rowTwins(bytes, name, at);
  const second = rowWords({ ...bytes, at: bytes.at + 8 }, at);
  const both = `${rowWords(bytes, at)}, ${second}`;
  return `const ${name} = v128.shuffle<i16>(${both}, ${twins(at.half, 8)});`;
}

/** 8 integers as 16 bits. */
function rowWords(bytes: RowBytes, { pointer, masks }: RowsAt): string {
  return chosen(bytes, `v128.load8x8_${bytes.signed ? "s" : "u"}(${pointer}, ${bytes.at})`, masks);
}

/** Lanes that take four 16-bit values of one vector, and of what is `other` lanes further. */
function twins(half: number, other: number): string {
  return [0, 1, 2, 3].flatMap((i) => [4 * half + i, 4 * half + i + other]).join(", ");
}

/** The bytes, or the half of each that holds the integer (also when they are widened already). */
function chosen({ nibble }: RowBytes, bytes: string, masks: Masks): string {
  if (nibble === undefined) return bytes;
  const shifted = nibble === "low" ? bytes : `i16x8.shr_u(${bytes}, 4)`;
  return `v128.and(${shifted}, ${mask(masks, 0x0f0f0f0f)})`;
}

/** Name of a format's table in a mode. */
export function tableName(format: Format, mode: Mode): string {
  const plus = isSmall(format.codes) ? "" : offsetOf(format.codes, mode) === 0 ? "" : "Plus";
  return `table${format.name.replace(/[^A-Za-z0-9]/g, "")}${plus}`;
}

/** Declares the masks and tables that kernels read, so that no optimiser knows their values. */
export function globals(formats: readonly Format[], used: Masks): string {
  const masks = [...used.values()].map((each) => /mask([0-9a-f]{8})/.exec(each)?.[1] ?? "")
    .filter((each) => each !== "").sort();
  const tables = formats.flatMap(tablesOf);
  return [
    ...masks.map((hex) => `let mask${hex}: i32 = 0x${hex};`),
    ...tables.map(([name, bytes]) => `let ${name}Bytes: v128 = i8x16(${bytes.join(", ")});`),
    "",
    "/** No host calls it: because one could, masks and tables are not constant to the compiler. */",
    "export function changeMasks(bits: i32): void {",
    ...masks.map((hex) => `  mask${hex} ^= bits;`),
    ...tables.map(([name]) => `  ${name}Bytes = v128.xor(${name}Bytes, i32x4.splat(bits));`),
    "}",
    "",
  ].join("\n");
}

function tablesOf(format: Format): readonly (readonly [string, readonly number[]])[] {
  const { codes } = format;
  if (codes.as !== "table") return [];
  const table = (mode: Mode): readonly [string, readonly number[]] => [
    tableName(format, mode),
    codes.values.map((each) => ((each + offsetOf(codes, mode)) << 24) >> 24),
  ];
  return isSmall(codes) ? [table("plain")] : [table("plain"), table("unsigned")];
}
