/**
 * Random weights in ggml's block formats, from a seed, written straight as blocks.
 *
 * Elements are spread evenly about zero with the asked standard deviation, so that activations stay
 * near unit size whatever the width.
 */

/** Types that can be written, by their name on the command line. */
export type WeightType = "f32" | "f16" | "bf16" | "q8_0" | "q4_0";

/** ggml's id, block elements and block bytes of each type. */
export const WEIGHT_TYPES: Readonly<
  Record<WeightType, { readonly id: number; readonly elements: number; readonly sizeBytes: number }>
> = {
  f32: { id: 0, elements: 1, sizeBytes: 4 },
  f16: { id: 1, elements: 1, sizeBytes: 2 },
  bf16: { id: 30, elements: 1, sizeBytes: 2 },
  q8_0: { id: 8, elements: 32, sizeBytes: 34 },
  q4_0: { id: 2, elements: 32, sizeBytes: 18 },
};

/** Standard deviation of even quants: -128..127 for q8_0, -8..7 for q4_0. */
const QUANT_DEVIATION = { q8_0: 256 / Math.sqrt(12), q4_0: 16 / Math.sqrt(12) } as const;

/** Block scales vary about the mean, as real ones do. */
const SCALE_FACTORS = [0.7, 0.85, 1, 1.15, 1.3];

/** sfc32 by Chris Doty-Humphrey (PractRand): small, fast, seeded. */
export class SeededBits {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any integer; its low 32 bits count */
  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = 0x9e3779b9 | 0;
    this.#c = 0x243f6a88 | 0;
    for (let i = 0; i < 15; i++) this.next();
  }

  /** The next 32 bits, as a signed integer. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum;
  }

  /** Evenly spread in -1 (inclusive) to 1 (exclusive). */
  signedUnit(): number {
    return this.next() / 0x8000_0000;
  }
}

/**
 * Fills whole blocks of `type`.
 *
 * @param blocks a multiple of the type's block bytes
 * @param options `deviation` is the standard deviation of the elements
 */
export function fillBlocks(
  blocks: Uint8Array,
  options: { type: WeightType; bits: SeededBits; deviation: number },
): void {
  const { type, bits, deviation } = options;
  if (type === "q8_0" || type === "q4_0") {
    fillQuantised(blocks, { type, bits, deviation });
    return;
  }
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
  const amplitude = deviation * Math.sqrt(3);
  const { sizeBytes } = WEIGHT_TYPES[type];
  for (let at = 0; at < blocks.length; at += sizeBytes) {
    const value = amplitude * bits.signedUnit();
    if (type === "f32") view.setFloat32(at, value, true);
    else view.setUint16(at, type === "f16" ? f16Bits(value) : bf16Bits(value), true);
  }
}

/** Fills norm weights: f32 about one. */
export function fillNorms(bytes: Uint8Array, bits: SeededBits): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += 4) {
    view.setFloat32(at, 1 + bits.signedUnit() / 10, true);
  }
}

/** The bits of the nearest f16, ties to even; beyond its range, infinity. */
export function f16Bits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65_520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  const steps = roundEven(magnitude / 2 ** (exponent - 10));
  // Below 2^10 steps the value is subnormal; 2^11 steps carry into the exponent by themselves.
  return sign | (steps < 1024 ? steps : steps - 1024 + ((exponent + 15) << 10));
}

function fillQuantised(
  blocks: Uint8Array,
  options: { type: "q8_0" | "q4_0"; bits: SeededBits; deviation: number },
): void {
  const { type, bits, deviation } = options;
  const { sizeBytes } = WEIGHT_TYPES[type];
  const scales = SCALE_FACTORS.map((factor) => f16Bits(factor * deviation / QUANT_DEVIATION[type]));
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
  for (let at = 0; at < blocks.length; at += sizeBytes) {
    const pick = (bits.next() >>> 8) % scales.length;
    view.setUint16(at, scales[pick] ?? 0, true);
    for (let i = 2; i < sizeBytes; i += 4) view.setInt32(at + i, bits.next(), true);
  }
}

function bf16Bits(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint16(0);
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
