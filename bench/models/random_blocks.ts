/**
 * Random blocks of ggml's quantised formats: random quants under scales that give the elements the
 * asked deviation and a mean of about zero.
 *
 * Layouts: ggml-common.h. In formats with a minimum, an element is `d * scale * q - dmin * min`;
 * here the minimum is half the span of the quants, give or take, as in trained weights.
 */
import type { SeededBits } from "./seeded_bits.ts";

/** Formats of blocks. */
export type QuantisedType = keyof typeof LAYOUTS;

/** Where a block has its parts, in bytes, and how its elements spread. */
interface Layout {
  /** Byte of the f16 scale. */
  readonly scaleAt: number;
  /** Byte of the f16 minimum, and its value in units of the scale. */
  readonly minimum?: { readonly at: number; readonly factor: number };
  /** Standard deviation of the elements when the f16 scale is 1. */
  readonly deviation: number;
  /** Whether every other block has a negative scale. */
  readonly signed?: boolean;
  /** Writes scales inside a block of 256. */
  readonly subscales?: (block: Uint8Array, bits: SeededBits) => void;
}

/** Deviation of `count` evenly spread integers. */
function even(count: number): number {
  return count / Math.sqrt(12);
}

/** Mean of the six-bit and four-bit scales that are drawn below, about. */
const SIX_BITS_MEAN = 47.5;
const FOUR_BITS_MEAN = 11.5;

const LAYOUTS = {
  // Quants have one more step below zero than above: signs of scales change, as real ones do.
  q4_0: { scaleAt: 0, deviation: even(16), signed: true },
  q4_1: { scaleAt: 0, minimum: { at: 2, factor: -7.5 }, deviation: even(16) },
  q5_0: { scaleAt: 0, deviation: even(32), signed: true },
  q5_1: { scaleAt: 0, minimum: { at: 2, factor: -15.5 }, deviation: even(32) },
  q8_0: { scaleAt: 0, deviation: even(256) },
  // The 16 levels of IQ4_NL have this root mean square, and no mean of zero either.
  iq4_nl: { scaleAt: 0, deviation: 67.44, signed: true },
  q2_k: {
    scaleAt: 80,
    minimum: { at: 82, factor: 1.5 },
    deviation: even(4) * FOUR_BITS_MEAN,
    subscales: fillFourBitPairs,
  },
  // Scales of six bits less 32, quants -4 to 3; scales of eight bits, quants -32 to 31.
  q3_k: { scaleAt: 108, deviation: even(8) * even(64) },
  q6_k: { scaleAt: 208, deviation: even(64) * even(256) },
  q4_k: {
    scaleAt: 0,
    minimum: { at: 2, factor: 7.5 },
    deviation: even(16) * SIX_BITS_MEAN,
    subscales: fillSixBitPairs,
  },
  q5_k: {
    scaleAt: 0,
    minimum: { at: 2, factor: 15.5 },
    deviation: even(32) * SIX_BITS_MEAN,
    subscales: fillSixBitPairs,
  },
} as const satisfies Readonly<Record<string, Layout>>;

/** Block scales vary about the mean, as real ones do. */
const SCALE_FACTORS = [0.7, 0.85, 1, 1.15, 1.3];

/** Whether a type has blocks. */
export function isQuantisedType(type: string): type is QuantisedType {
  return Object.hasOwn(LAYOUTS, type);
}

/**
 * Fills whole blocks.
 *
 * @param options `scaleOf` gives the f16 bits of a factor of the asked deviation
 */
export function fillQuantised(
  blocks: Uint8Array,
  options: {
    readonly type: QuantisedType;
    readonly sizeBytes: number;
    readonly bits: SeededBits;
    readonly scaleOf: (factor: number) => number;
  },
): void {
  const { type, sizeBytes, bits, scaleOf } = options;
  const { scaleAt, minimum, deviation, signed, subscales }: Layout = LAYOUTS[type];
  const scales = SCALE_FACTORS.map((factor) => scaleOf(factor / deviation));
  const minimums = SCALE_FACTORS.map((factor) => {
    return scaleOf((minimum?.factor ?? 0) * factor / deviation);
  });
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
  for (let at = 0; at < blocks.length; at += sizeBytes) {
    const pick = (bits.next() >>> 8) % scales.length;
    let to = 0;
    for (; to + 4 <= sizeBytes; to += 4) view.setInt32(at + to, bits.next(), true);
    if (to < sizeBytes) view.setInt16(at + to, bits.next(), true);
    subscales?.(blocks.subarray(at, at + sizeBytes), bits);
    const sign = signed === true && at / sizeBytes % 2 === 1 ? 0x8000 : 0;
    view.setUint16(at + scaleAt, (scales[pick] ?? 0) | sign, true);
    if (minimum !== undefined) view.setUint16(at + minimum.at, minimums[pick] ?? 0, true);
  }
}

/** Q2_K: 16 bytes at the start, a scale in the low four bits and a minimum in the high ones. */
function fillFourBitPairs(block: Uint8Array, bits: SeededBits): void {
  for (let i = 0; i < 16; i++) {
    const scale = bits.between(9, 14);
    block[i] = scale | (scale + bits.between(-1, 1)) << 4;
  }
}

/** Q4_K and Q5_K: eight scales and eight minimums of six bits in the 12 bytes from 4 on. */
function fillSixBitPairs(block: Uint8Array, bits: SeededBits): void {
  const packed = block.subarray(4, 16).fill(0);
  for (let i = 0; i < 4; i++) {
    const low = sixBitPair(bits);
    const high = sixBitPair(bits);
    packed[i] = low.scale | (high.scale >> 4) << 6;
    packed[i + 4] = low.minimum | (high.minimum >> 4) << 6;
    packed[i + 8] = (high.scale & 15) | (high.minimum & 15) << 4;
  }
}

function sixBitPair(bits: SeededBits): { readonly scale: number; readonly minimum: number } {
  const scale = bits.between(35, 60);
  return { scale, minimum: scale + bits.between(-3, 3) };
}
