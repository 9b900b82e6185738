/**
 * Blocks written column by column, as section 2.1 says of each byte, and read back.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededBits } from "../../../bench/models/seeded_bits.ts";
import { decodeBlocks } from "../../../src/engine/reference/blocks.ts";
import type { BlockType } from "../../../src/engine/reference/blocks.ts";
import { TENSOR_LAYOUTS } from "../../../src/model/mod.ts";

/** Integers of a file's block, all of them below the powers of two that the format has bits for. */
interface Contents {
  /** One per column, before any offset or table. */
  readonly codes: readonly number[];
  /** One per 16 columns, before any offset. */
  readonly s: readonly number[];
  readonly m: readonly number[];
}

/** A format: where its scales are, its offset, and how each part is written. */
interface Case {
  readonly codeBits: number;
  readonly factorBits: number;
  readonly offset: number;
  readonly factorOffset: number;
  readonly halves: readonly number[];
  /** Whether s and m hold for 32 columns. */
  readonly wide: boolean;
  readonly write: (bytes: Uint8Array, contents: Contents) => void;
}

/** Sets bits of a byte. */
function put(bytes: Uint8Array, at: number, bits: number): void {
  bytes[at] = (bytes[at] ?? 0) | bits;
}

function paired(at: number, fifthAt?: number): Case["write"] {
  return (bytes, { codes }) =>
    codes.forEach((code, i) => {
      put(bytes, at + i % 16, i < 16 ? code & 15 : (code & 15) << 4);
      if (fifthAt !== undefined) put(bytes, fifthAt + (i >> 3), (code >> 4) << (i & 7));
    });
}

/** Nibbles of 64 columns share 32 bytes. */
function nibbles64(bytes: Uint8Array, codes: readonly number[], at: number): void {
  codes.forEach((code, c) => {
    const half = (c >> 5) & 1;
    put(bytes, at + 32 * (c >> 6) + (c & 31), (code & 15) << (4 * half));
  });
}

/** Pairs of bits of 128 columns share 32 bytes. */
function twos128(
  bytes: Uint8Array,
  codes: readonly number[],
  place: [at: number, shift: number],
): void {
  const [at, shift] = place;
  codes.forEach((code, c) => {
    put(bytes, at + 32 * (c >> 7) + (c & 31), ((code >> shift) & 3) << (2 * ((c >> 5) & 3)));
  });
}

/** One bit of all 256 columns in 32 bytes. */
function ones256(
  bytes: Uint8Array,
  codes: readonly number[],
  place: [at: number, shift: number],
): void {
  const [at, shift] = place;
  codes.forEach((code, c) => put(bytes, at + (c & 31), ((code >> shift) & 1) << (c >> 5)));
}

/** Eight scales and eight minima of six bits in twelve bytes. */
function sixBits(bytes: Uint8Array, { s, m }: Contents): void {
  for (let t = 0; t < 4; t++) {
    const [low, high] = [s[2 * t] ?? 0, s[2 * t + 8] ?? 0];
    const [lowM, highM] = [m[2 * t] ?? 0, m[2 * t + 8] ?? 0];
    put(bytes, 4 + t, low | ((high >> 4) << 6));
    put(bytes, 8 + t, lowM | ((highM >> 4) << 6));
    put(bytes, 12 + t, (high & 15) | ((highM & 15) << 4));
  }
}

const small = { codeBits: 4, factorBits: 0, offset: 0, factorOffset: 0, wide: true };
const cases: Readonly<Record<BlockType, Case>> = {
  Q8_0: {
    ...small,
    codeBits: 8,
    offset: 128,
    halves: [0],
    write: (bytes, { codes }) => codes.forEach((code, i) => put(bytes, 2 + i, code ^ 128)),
  },
  Q4_0: { ...small, offset: 8, halves: [0], write: paired(2) },
  Q4_1: { ...small, halves: [0, 2], write: paired(4) },
  Q5_0: { ...small, codeBits: 5, offset: 16, halves: [0], write: paired(6, 2) },
  Q5_1: { ...small, codeBits: 5, halves: [0, 2], write: paired(8, 4) },
  IQ4_NL: { ...small, halves: [0], write: paired(2) },
  Q2_K: {
    ...small,
    codeBits: 2,
    factorBits: 4,
    halves: [80, 82],
    wide: false,
    write: (bytes, { codes, s, m }) => {
      twos128(bytes, codes, [16, 0]);
      s.forEach((each, k) => put(bytes, k, each | ((m[k] ?? 0) << 4)));
    },
  },
  Q3_K: {
    ...small,
    codeBits: 3,
    factorBits: 6,
    offset: 4,
    factorOffset: 32,
    halves: [108],
    wide: false,
    write: (bytes, { codes, s }) => {
      twos128(bytes, codes, [32, 0]);
      ones256(bytes, codes, [0, 2]);
      s.forEach((each, k) => {
        put(bytes, 96 + k % 8, k < 8 ? each & 15 : (each & 15) << 4);
        put(bytes, 104 + k % 4, (each >> 4) << (2 * (k >> 2)));
      });
    },
  },
  Q4_K: {
    ...small,
    factorBits: 6,
    halves: [0, 2],
    write: (bytes, contents) => {
      sixBits(bytes, contents);
      nibbles64(bytes, contents.codes, 16);
    },
  },
  Q5_K: {
    ...small,
    codeBits: 5,
    factorBits: 6,
    halves: [0, 2],
    write: (bytes, contents) => {
      sixBits(bytes, contents);
      nibbles64(bytes, contents.codes, 48);
      ones256(bytes, contents.codes, [16, 4]);
    },
  },
  Q6_K: {
    ...small,
    codeBits: 6,
    factorBits: 8,
    offset: 32,
    factorOffset: 128,
    halves: [208],
    wide: false,
    write: (bytes, { codes, s }) => {
      // Low nibbles: 64 bytes hold columns 0-63 of each 128, and 64-127 above them.
      codes.forEach((code, c) => {
        put(bytes, 64 * (c >> 7) + (c & 63), (code & 15) << (4 * ((c >> 6) & 1)));
      });
      twos128(bytes, codes, [128, 4]);
      s.forEach((each, k) => put(bytes, 192 + k, each ^ 128));
    },
  },
};

const iq4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

for (const [name, each] of Object.entries(cases)) {
  const type = name as BlockType;
  test(`decodeBlocks() reads back what was written as ${type}`, () => {
    const { elements, sizeBytes } = TENSOR_LAYOUTS[type];
    const bits = new SeededBits(11);
    const random = (count: number, below: number): number[] =>
      Array.from({ length: count }, () => (bits.next() >>> 8) & (2 ** below - 1));
    const bytes = new Uint8Array(3 * sizeBytes);
    for (let block = 0; block < 3; block++) {
      const factors = (): number[] => {
        const values = random(elements / 16, each.factorBits);
        return each.wide ? values.map((_, k) => values[k & ~1] ?? 0) : values;
      };
      const contents = { codes: random(elements, each.codeBits), s: factors(), m: factors() };
      const part = bytes.subarray(block * sizeBytes, (block + 1) * sizeBytes);
      each.write(part, contents);
      each.halves.forEach((at, i) => part[at + 1] = i === 0 ? 0x3c : 0x40); // 1 and 2
      const { integers, scales, factors: s, minima } = decodeBlocks(
        type,
        new DataView(bytes.buffer),
      );
      const from = block * elements;
      assert.deepEqual(
        [...integers.subarray(from, from + elements)],
        contents.codes.map((code) => type === "IQ4_NL" ? iq4[code] : code - each.offset),
      );
      const ones = contents.s.map(() => 1);
      const hasFactors = each.factorBits > 0;
      assert.deepEqual(
        [...s.subarray(from / 16, from / 16 + elements / 16)],
        hasFactors ? contents.s.map((value) => value - each.factorOffset) : ones,
      );
      assert.equal(scales[from / 32], 1);
      assert.equal(minima !== undefined, each.halves.length === 2);
      if (minima === undefined) continue;
      assert.equal(minima.scales[from / 32], elements === 256 ? -2 : 2);
      assert.deepEqual(
        [...minima.factors.subarray(from / 16, from / 16 + elements / 16)],
        hasFactors ? contents.m : ones,
      );
    }
  });
}
