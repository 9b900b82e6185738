/**
 * Random matrices of every type, as the file has them, and what the reference makes of them.
 */
import type { KernelChoice, ProbeMode } from "../../src/engine/_kinds.ts";
import type { MatrixType } from "../../src/engine/_tensors.ts";
import { decodeBlocks, isBlockType } from "../../src/engine/reference/blocks.ts";
import { bfloatToFloat, halfToFloat } from "../../src/engine/reference/halves.ts";
import type { Matrix } from "../../src/engine/reference/weights.ts";
import { TENSOR_LAYOUTS } from "../../src/model/mod.ts";
import { SeededBits } from "../../bench/models/seeded_bits.ts";

/** The answers that a test can force. */
export const probes = ["unsigned", "signed", "neither"] as const;

/** Where the f16 scales (and minima) of a file's block are. */
const halvesAt: Readonly<Record<MatrixType, readonly number[]>> = {
  F32: [],
  F16: [0],
  BF16: [],
  Q8_0: [0],
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q5_1: [0, 2],
  IQ4_NL: [0],
  Q2_K: [80, 82],
  Q3_K: [108],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
};

/** A choice of kernels with one answer forced. */
export function choiceOf(forced: ProbeMode, relaxed = true): KernelChoice {
  return { relaxed, hardware: "neither", forced };
}

/** Columns that a row of a type is a multiple of; any number for plain types. */
export function columnsOf(type: MatrixType): number {
  const { elements } = TENSOR_LAYOUTS[type];
  return elements === 1 ? 37 : elements;
}

/**
 * Rows of random blocks: every bit of weights and of integer scales, and finite f16 scales.
 *
 * @param options `notFinite` is how many scales (or elements) are made infinite
 */
export function randomRows(
  type: MatrixType,
  options: { columns: number; rows: number; seed: number; notFinite?: number },
): Uint8Array {
  const { columns, rows, seed, notFinite = 0 } = options;
  const { elements, sizeBytes } = TENSOR_LAYOUTS[type];
  const count = (columns / elements) * rows;
  const bits = new SeededBits(seed);
  const bytes = Uint8Array.from({ length: count * sizeBytes }, () => bits.next() >>> 24);
  const view = new DataView(bytes.buffer);
  let left = notFinite;
  for (let at = 0; at < bytes.length; at += sizeBytes) {
    const infinite = left > 0;
    if (infinite) left--;
    if (type === "F32") view.setFloat32(at, infinite ? Infinity : bits.signedUnit(), true);
    else if (type === "BF16") {
      view.setUint16(at, infinite ? 0x7f80 : view.getUint16(at) & 0xbfff, true);
    }
    halvesAt[type].forEach((offset, i) => {
      const half = view.getUint16(at + offset) & 0xbfff; // below 2, of either sign, or subnormal
      view.setUint16(
        at + offset,
        infinite && i === halvesAt[type].length - 1 ? 0xfc00 : half,
        true,
      );
    });
  }
  return bytes;
}

/** The matrix that the reference reads from the bytes. */
export function decodedMatrix(
  type: MatrixType,
  { columns, rows, bytes }: { columns: number; rows: number; bytes: Uint8Array },
): Matrix {
  const view = new DataView(bytes.buffer);
  if (isBlockType(type)) {
    const { integers, scales, factors, minima } = decodeBlocks(type, view);
    return { kind: "blocks", columns, rows, integers, scales, factors, minima };
  }
  const values = Float32Array.from({ length: columns * rows }, (_, i) => {
    if (type === "F32") return view.getFloat32(i * 4, true);
    const word = view.getUint16(i * 2, true);
    return type === "F16" ? halfToFloat(word) : bfloatToFloat(word);
  });
  return { kind: "plain", columns, rows, values };
}
