/**
 * Random weights in ggml's formats, from a seed, written straight as blocks.
 *
 * Elements are spread evenly about zero with the asked standard deviation, so that activations stay
 * near unit size whatever the width.
 */
import { TENSOR_LAYOUTS, TENSOR_TYPE_BY_ID } from "../../src/model/mod.ts";
import type { TensorType } from "../../src/model/mod.ts";
import { fillQuantised, isQuantisedType } from "./random_blocks.ts";
import type { SeededBits } from "./seeded_bits.ts";

/** Types that can be written, by their name on the command line. */
export type WeightType = Lowercase<TensorType>;

/** ggml's id, block elements and block bytes of each type. */
export const WEIGHT_TYPES: Readonly<
  Record<WeightType, { readonly id: number; readonly elements: number; readonly sizeBytes: number }>
> = weightTypes();

/** Whether `text` names a type. */
export function isWeightType(text: string | undefined): text is WeightType {
  return text !== undefined && Object.hasOwn(WEIGHT_TYPES, text);
}

/** What llama.cpp's quantiser falls back to where rows do not fill blocks of 256. */
const SMALLER_BLOCKS: Readonly<Partial<Record<WeightType, WeightType>>> = {
  q2_k: "iq4_nl",
  q3_k: "iq4_nl",
  q4_k: "q5_0",
  q5_k: "q5_1",
  q6_k: "q8_0",
};

/** The wanted type, or what llama.cpp's quantiser takes for rows of this length instead. */
export function typeForRows(wanted: WeightType, columns: number): WeightType {
  const smaller = SMALLER_BLOCKS[wanted];
  const fits = [wanted, ...smaller === undefined ? [] : [smaller]].find((type) => {
    return columns % WEIGHT_TYPES[type].elements === 0;
  });
  return fits ?? "f16";
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
  if (isQuantisedType(type)) {
    const scaleOf = (factor: number): number => f16Bits(factor * deviation);
    fillQuantised(blocks, { type, sizeBytes: WEIGHT_TYPES[type].sizeBytes, bits, scaleOf });
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

/** Fills f32 values evenly spread about `mean`, up to `spread` from it. */
export function fillVector(
  bytes: Uint8Array,
  options: { bits: SeededBits; mean: number; spread: number },
): void {
  const { bits, mean, spread } = options;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += 4) {
    view.setFloat32(at, mean + bits.signedUnit() * spread, true);
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

function weightTypes(): typeof WEIGHT_TYPES {
  const entries = [...TENSOR_TYPE_BY_ID].map(([id, type]) => {
    return [type.toLowerCase(), { id, ...TENSOR_LAYOUTS[type] }] as const;
  });
  return Object.fromEntries(entries) as Record<
    WeightType,
    { id: number; elements: number; sizeBytes: number }
  >;
}
